import type { Outcome } from "../../lib/decision/state/outcome.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import type { SimulatedSupernode } from "./supernode.ts"

/** One attempt, by its entries. `released`: nothing was bought. `complete`: all its servers are present. */
export interface Trade {
  id: string
  run: string
  entry: LedgerEntry
  /** True time at which its `opened` entry was stored. */
  openedAt: number
  state: "open" | "accepted" | "unknown" | "stuck" | "partial" | "wrong" | "released" | "complete"
  /** True time of its first settlement. `null` before it. */
  settledAt: number | null
  /** Time at which its acceptance was first known, by the entry's date: a slow run stores the entry later. */
  acceptedAt: number | null
  /** True time of the newest entry about it. */
  changedAt: number
  /** True if a person settled it as absent, whatever became known since. */
  saidAbsent: boolean
  posts: number
}

/**
 * Account of one supernode's chain, by its entries alone. It does not use the state in them, which is under
 * test. Times are true times, whatever the writers' clocks showed.
 */
export class Book {
  readonly trades = new Map<string, Trade>()
  /** Signals that led to an attempt, with the run. */
  readonly signals = new Map<string, { run: string; at: number; storedAt: number }>()
  completedAt: number | null = null
  firstPolicyAt: number | null = null
  breakerSince: number | null = null
  throttledUntil = -Infinity
  /** Complete purchases since the last reset that rules caused. `gain` is `null` if it is not measured. */
  effects: { id: string; gain: number | null }[] = []
  readonly blockedUntil = new Map<string, number>()
  /** True time of the last stored entry that is dated more than a minute ahead. */
  datedAheadAt = -Infinity

  constructor(readonly supernode: SimulatedSupernode) {}

  get inFlight(): Trade[] {
    return [...this.trades.values()].filter(({ state }) => state !== "released" && state !== "complete")
  }

  stored(entry: LedgerEntry, now: number): void {
    this.#note(entry, now)
    for (const trade of this.trades.values())
      if (trade.state === "accepted") trade.acceptedAt ??= Math.min(now, Math.max(entry.at, trade.entry.at))
  }

  #note(entry: LedgerEntry, now: number): void {
    if (entry.at > now + 60_000) this.datedAheadAt = now
    // A policy counts from the first entry with a time that the cloud confirmed: a slow clock may have dated
    // any other entry.
    const { policyHash, confirmedAt = null } = entry
    if (policyHash !== undefined && confirmedAt !== null) this.firstPolicyAt ??= Math.min(confirmedAt, now)
    const { signal, run } = entry
    if (signal && entry.kind === "opened" && !this.signals.has(signal.id))
      this.signals.set(signal.id, { run, at: entry.at, storedAt: now })
    switch (entry.kind) {
      case "opened":
        this.#opened(entry, now)
        break
      case "settled":
        this.#settled(entry, now)
        break
      case "observed":
        this.#observed(entry, now)
        break
      case "said":
        this.#said(entry, now)
        break
      case "decided":
        break
      default:
        entry.kind satisfies never
    }
  }

  #opened(entry: LedgerEntry, openedAt: number): void {
    const id = entry.attempt?.id ?? ""
    const news = { settledAt: null, acceptedAt: null, changedAt: openedAt, saidAbsent: false, posts: 0 }
    this.trades.set(id, { id, run: entry.run, entry, openedAt, state: "open", ...news })
  }

  #settled({ attempt, outcome }: LedgerEntry, now: number): void {
    const trade = this.trades.get(attempt?.id ?? "")
    if (!trade || !outcome) return
    trade.settledAt ??= now
    trade.changedAt = now
    // A person settled it earlier: only a real purchase changes that settlement.
    if (trade.state === "complete" || (trade.state === "released" && outcome.kind !== "accepted")) return
    if (trade.state === "released") trade.state = "wrong"
    else if (trade.state === "open" || trade.state === "unknown") trade.state = stateAfter(outcome)
    // This outcome is certain, whatever was recorded meanwhile about external servers.
    else if (outcome.kind === "not-sent" || outcome.kind === "rejected") trade.state = "released"
    if (outcome.kind === "rejected") this.#refused(trade, outcome, now)
    if (outcome.kind === "accepted") this.throttledUntil = -Infinity
  }

  #refused(trade: Trade, { class: of, retryAfterMs }: Outcome & { kind: "rejected" }, now: number): void {
    if (of === "throttle") this.throttledUntil = now + (retryAfterMs ?? 30_000)
    if (of === "capacity") this.blockedUntil.set(trade.entry.plan?.flavor ?? "", now + 5 * 60_000)
    if (["quota", "balance", "auth", "not-found"].includes(of)) this.breakerSince = now
  }

  #observed({ observation }: LedgerEntry, now: number): void {
    const trade = this.trades.get(observation?.attempt ?? "")
    if (!trade || !observation) return
    trade.changedAt = now
    switch (observation.kind) {
      case "completed":
        trade.state = "complete"
        this.completedAt = observation.at
        this.#causedByRules(trade)
        return
      case "unknown":
      case "accepted":
      case "stuck":
      case "partial":
      case "wrong":
        trade.state = observation.kind
        return
      case "effect":
        this.effects = this.effects.map((one) =>
          one.id === trade.id ? { ...one, gain: one.gain ?? observation.effect?.gain ?? null } : one,
        )
        return
      case "out-of-band":
      case "lapsed":
      case "telling":
      case "not-told":
      case "told":
      case "blind":
      case "order":
      case "witness":
        return
      default:
        observation.kind satisfies never
    }
  }

  #causedByRules({ id, entry }: Trade): void {
    if (entry.decision?.target?.rules.length) this.effects.push({ id, gain: null })
  }

  #said({ said }: LedgerEntry, now: number): void {
    if (said?.verb === "reset") {
      this.breakerSince = null
      this.throttledUntil = -Infinity
      this.blockedUntil.clear()
      this.effects = []
    }
    const trade = said?.verb === "settle" ? this.trades.get(said.attempt) : undefined
    if (said?.verb !== "settle" || !trade || trade.state === "complete" || trade.state === "released") return
    trade.changedAt = now
    trade.saidAbsent ||= said.as === "absent"
    if (said.as === "completed") {
      this.completedAt = now
      this.#causedByRules(trade)
    }
    trade.state = said.as === "completed" ? "complete" : said.as === "absent" ? "released" : "accepted"
  }
}

function stateAfter(outcome: Outcome): Trade["state"] {
  switch (outcome.kind) {
    case "accepted":
      return "accepted"
    case "unknown":
      return "unknown"
    case "rejected":
    case "not-sent":
      return "released"
    default:
      return outcome satisfies never
  }
}
