import type { Policy } from "../../../lib/decision/policy/policy.ts"
import type { AttemptState, OpenAttempt } from "../../../lib/decision/state/attempt.ts"
import type { Control, Stop } from "../../../lib/decision/state/control.ts"
import { requestedAt, type SupernodeState } from "../../../lib/decision/state/state.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import type { Band, BandKind } from "./report.ts"

/** A band that may not have ended yet. */
type OpenBand = Omit<Band, "to"> & { to: number | null; key: string }

/** Times in which nothing may be bought: an attempt in flight, a cooldown, an operator's pause or hold. */
export class Bands {
  readonly #attempts: OpenBand[] = []
  readonly #stops: OpenBand[] = []
  /** Waits by the event that started them. */
  readonly #waits = new Map<string, { from: number; to: number }>()

  /**
   * Adds an entry of the supernode's chain. `policy` is the policy that was active at that time; `null` if
   * unknown.
   */
  add({ at, standing }: LedgerEntry, policy: Policy | null): void {
    const state = standing as SupernodeState
    this.#follow(this.#attempts, attemptBand(state.attempt, at), at)
    if (!policy) return
    const requested = requestedAt(state)
    this.#wait("request", requested, policy.minIntervalMs)
    this.#wait("completion", state.completedAt, policy.cooldownMs)
    this.#wait("external", state.foreignAt, policy.cooldownMs)
  }

  /** Adds an entry of stream `control`. */
  addControl({ at, standing }: LedgerEntry, supernodeId: string): void {
    const { pausedAll, paused, held } = standing as Control
    const stop = pausedAll ?? paused[supernodeId] ?? held[supernodeId] ?? null
    const kind = pausedAll || paused[supernodeId] ? "paused" : "held"
    this.#follow(this.#stops, stop && stopBand(stop, kind), at)
  }

  /**
   * Bands within the range, in order of their start. Overlapping waits are merged. `isResolved`: true if no
   * purchase requested at that time counts; its wait is then left out.
   */
  within(range: { from: number; to: number }, isResolved: (requestedAt: number) => boolean): Band[] {
    const waits = [...this.#waits]
      .filter(([key, { from }]) => !key.startsWith("request:") || !isResolved(from))
      .map(([, wait]) => wait)
    const cooldowns = merged(waits).map((wait) => ({ kind: "cooldown" as const, ...wait, says: "cooldown" }))
    const others = [...this.#attempts, ...this.#stops].map(({ kind, from, to, says }) => ({
      kind,
      from,
      to: to ?? range.to,
      says,
    }))
    return [...cooldowns, ...others]
      .map((band) => ({ ...band, from: Math.max(range.from, band.from), to: Math.min(range.to, band.to) }))
      .filter(({ from, to }) => from < to)
      .sort((a, b) => a.from - b.from)
  }

  /** Ends the last band if another one, or none, is active now. Begins the new one. */
  #follow(bands: OpenBand[], now: OpenBand | null, at: number): void {
    const last = bands.at(-1)
    if (last && (last.to === null || last.to > at)) {
      if (last.key === now?.key) return
      last.to = at
    }
    if (now) bands.push(now)
  }

  #wait(what: string, from: number | null, ms: number): void {
    if (from === null || ms === 0) return
    const key = `${what}:${from}`
    if (!this.#waits.has(key)) this.#waits.set(key, { from, to: from + ms })
  }
}

const ATTEMPT_KINDS: Readonly<Record<AttemptState, BandKind>> = {
  open: "in-flight",
  accepted: "in-flight",
  unknown: "waiting",
  stuck: "waiting",
  partial: "waiting",
  wrong: "waiting",
}

function attemptBand(attempt: OpenAttempt | null, at: number): OpenBand | null {
  if (!attempt) return null
  const kind = ATTEMPT_KINDS[attempt.state]
  const says =
    kind === "in-flight"
      ? `order of ${attempt.from} to ${attempt.to} servers in flight`
      : `order of ${attempt.from} to ${attempt.to} servers is ${attempt.state}: it waits for a person`
  const from = kind === "in-flight" ? attempt.openedAt : at
  return { kind, from, to: null, says, key: `${attempt.id} ${kind}` }
}

function stopBand({ at, until, by, why }: Stop, how: string): OpenBand {
  return {
    kind: "paused",
    from: at,
    to: until,
    says: `${how} by ${by}: ${why}`,
    key: `${at} ${until} ${by} ${why}`,
  }
}

function merged(spans: { from: number; to: number }[]): { from: number; to: number }[] {
  const result: { from: number; to: number }[] = []
  for (const span of spans.sort((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    if (last && span.from < last.to) last.to = Math.max(last.to, span.to)
    else result.push({ ...span })
  }
  return result
}
