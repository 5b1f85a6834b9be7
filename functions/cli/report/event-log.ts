import type { Finding } from "../../../lib/decision/decision.ts"
import { hintOf } from "../../../lib/decision/explain/hints.ts"
import { operatorCommand } from "../../../lib/decision/explain/operator-command.ts"
import { visible } from "../../../lib/decision/inputs/foreign-text.ts"
import { counted } from "../../../lib/decision/policy/amounts.ts"
import type { Amount } from "../../../lib/decision/policy/money.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import { CONTROL_STREAM } from "../../../lib/ledger/next-entry.ts"
import { causeOf, requesterOf } from "../print/cause.ts"
import { sayEntry, saySignal } from "../print/entry.ts"
import { sayOutcome, TO_CONTINUE } from "../print/result.ts"
import type { ReportEvent, Value } from "./report.ts"
import { Thinned } from "./thinned.ts"

/** An event with whole findings; the report has indices of their texts instead. */
export interface LoggedEvent extends Omit<ReportEvent, "findings"> {
  /** Location of the entry, and the command that shows it. The page shows this after all `rows`. */
  place: [label: string, value: Value][]
  findings: readonly Finding[]
}

/**
 * Maximum numbers of kept events. Holds are frequent, so most are dropped. Of all others more are kept than a
 * person reads.
 */
const KEPT_HOLDS = { older: 600, newest: 200 }
const KEPT_OTHERS = { older: 2_000, newest: 2_000 }
/** Observations that a notification is being sent, or was sent. A reader of the report does not need them. */
const UNSHOWN = ["telling", "told"]

export interface EventLogOptions {
  /** The supernode's name, for the command that shows an entry; `null` if there is no ledger to read. */
  name: string | null
}

/** Events of one supernode, made of the entries of its chain and of stream `control`. */
export class EventLog {
  readonly #holds = new Thinned<LoggedEvent>(KEPT_HOLDS)
  readonly #others = new Thinned<LoggedEvent>(KEPT_OTHERS)
  readonly #attempts = new Map<string, LoggedEvent>()
  readonly #reasons = new Map<string, number>()

  constructor(private readonly options: EventLogOptions) {}

  add(entry: LedgerEntry): void {
    switch (entry.kind) {
      case "decided":
        this.#decide(entry)
        return
      case "opened":
        this.#open(entry)
        return
      case "settled":
        this.#settle(entry)
        return
      case "observed":
        this.#observe(entry)
        return
      case "said":
        this.#command(entry)
        return
      default:
        entry.kind satisfies never
    }
  }

  /** All kept events, oldest first. */
  get events(): LoggedEvent[] {
    return [...this.#holds.items, ...this.#others.items].sort((a, b) => a.at - b.at)
  }

  /** Recorded holds by reason, most frequent first. */
  get holdsByReason(): { reason: string; count: number }[] {
    return [...this.#reasons]
      .map(([reason, count]) => ({ reason, count }))
      .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1))
  }

  get holds(): { count: number; stride: number; newest: number } {
    const { count, stride } = this.#holds
    return { count, stride, newest: KEPT_HOLDS.newest }
  }

  #decide(entry: LedgerEntry): void {
    const { decision, plan } = entry
    const isHold = decision?.kind !== "scale-up"
    const heldBy = decision?.heldBy ?? "not-evaluated"
    const would = plan
      ? [["would go", `${plan.from} to ${counted(plan.to, "server")}, ${plan.flavor}`] as const]
      : []
    const event = this.#event(entry, {
      kind: isHold ? "hold" : "would-buy",
      title: isHold
        ? (firstReason(decision?.findings ?? []) ?? sayEntry(entry))
        : `would buy ${plan ? sayPlan(plan) : "a rung"}; ${entry.mode} mode buys nothing`,
      reason: isHold ? heldBy : entry.mode,
      rows: would.map(([label, value]) => [label, value]),
    })
    if (!isHold) {
      this.#others.add(event)
      return
    }
    this.#reasons.set(heldBy, (this.#reasons.get(heldBy) ?? 0) + 1)
    this.#holds.add(event)
  }

  #open(entry: LedgerEntry): void {
    const { attempt, plan } = entry
    if (!attempt || !plan) return
    const ids: LoggedEvent["rows"] = [
      ["plan", plan.hash],
      ["attempt", attempt.id],
    ]
    // A simulation's ids refer to nothing that a reader could look up.
    const rows = this.options.name === null ? [] : ids
    const event = this.#event(entry, { kind: "unknown", title: sayPlan(plan), reason: "open", rows })
    this.#attempts.set(attempt.id, event)
    this.#others.add(event)
  }

  #settle(entry: LedgerEntry): void {
    const { attempt, outcome, at } = entry
    const event = attempt && this.#attempts.get(attempt.id)
    if (!event || !outcome) return
    const { kind } = outcome
    event.kind = kind === "accepted" ? "purchase" : kind === "unknown" ? "unknown" : "failed"
    event.reason = kind === "rejected" ? `rejected (${outcome.class})` : kind
    event.rows.push(["outcome", visible(sayOutcome(outcome))], ["settled", { at }])
  }

  #observe(entry: LedgerEntry): void {
    const { observation } = entry
    if (!observation || UNSHOWN.includes(observation.kind)) return
    const event = this.#attempts.get(observation.attempt ?? "")
    if (event && observation.kind === "completed") {
      Object.assign(event, { kind: "purchase", reason: "completed" })
      event.rows.push(["servers ran", { at: observation.at }])
      return
    }
    if (event && observation.kind === "accepted")
      Object.assign(event, { kind: "purchase", reason: "accepted" })
    event?.rows.push([observation.kind, visible(observation.says)])
    const title = observation.says
    this.#others.add(this.#event(entry, { kind: "observation", title, reason: observation.kind, rows: [] }))
  }

  #command(entry: LedgerEntry): void {
    const { said } = entry
    if (!said) return
    if (said.verb === "settle") {
      const event = this.#attempts.get(said.attempt)
      const kind = said.as === "absent" ? "failed" : "purchase"
      if (event) Object.assign(event, { kind, reason: `settled as ${said.as}` })
      event?.rows.push(["settled by", visible(`${said.by}: ${said.why}`)])
    }
    const rows: LoggedEvent["rows"] = [["by", visible(said.by)]]
    this.#others.add(this.#event(entry, { kind: "command", title: sayEntry(entry), reason: said.verb, rows }))
  }

  #event(entry: LedgerEntry, own: Pick<LoggedEvent, "kind" | "title" | "reason" | "rows">): LoggedEvent {
    const { stream, seq, at, plan, signal, decision, mode } = entry
    const price = plan ? (plan.cost ? moneyText(plan.cost) : "no price") : null
    const [cause, by] = [causeOf(entry), requesterOf(entry)]
    const rows: LoggedEvent["rows"] = [
      ...own.rows,
      ...(cause === null ? [] : [["because of", visible(cause)] as [string, string]]),
      ...(by === null ? [] : [["requested by", visible(by)] as [string, string]]),
      ...(signal ? [["woken by", visible(saySignal(signal))] as [string, string]] : []),
    ]
    return {
      id: `${stream}#${seq}`,
      at,
      kind: own.kind,
      title: visible(own.title),
      reason: own.reason,
      price,
      rows: this.options.name === null ? rows : [["mode", mode], ...rows],
      place: this.#place(entry),
      findings: decision?.findings ?? [],
    }
  }

  #place({ stream, seq, hash }: LedgerEntry): LoggedEvent["place"] {
    const { name } = this.options
    if (name === null) return []
    const shown = stream === CONTROL_STREAM ? stream : name
    return [
      ["entry", `${stream} #${seq}`],
      ["hash", hash],
      ["to see all of it", operatorCommand.auditShow(shown, seq)],
    ]
  }
}

function sayPlan({ from, to, flavor }: { from: number; to: number; flavor: string }): string {
  return `${from} to ${counted(to, "server")}, ${flavor}`
}

function firstReason(findings: readonly Finding[]): string | null {
  const first =
    findings.find(({ passed }) => passed === false) ?? findings.find(({ passed }) => passed === null)
  return first?.says ?? null
}

/** The sentence of a finding, with its hint. */
export function findingText(finding: Finding): string {
  const hint = hintOf(finding)
  return visible(hint === null ? finding.says : `${finding.says}. ${TO_CONTINUE} ${hint}`)
}

/** `120,000 CNY`. */
export function moneyText({ amount, currency }: Amount): string {
  return `${amount.toLocaleString("en-US", { maximumFractionDigits: 2 })} ${currency}`
}
