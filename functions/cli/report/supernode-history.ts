import { counted } from "../../../lib/decision/policy/amounts.ts"
import type { Policy, Rule } from "../../../lib/decision/policy/policy.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import { Bands } from "./bands.ts"
import { EventLog } from "./event-log.ts"
import { PoliciesInForce, thresholdsOf } from "./policies-in-force.ts"
import { PurchaseSpend } from "./purchase-spend.ts"
import { RecordedLoad } from "./recorded-load.ts"
import type { Load, View } from "./report.ts"
import { ServerSteps } from "./server-steps.ts"
import type { Texts } from "./texts.ts"

export interface Range {
  from: number
  to: number
}

/** Data of one supernode for a report, gathered from the entries of its chain. */
export class SupernodeHistory {
  readonly policies = new PoliciesInForce()
  readonly servers = new ServerSteps()
  readonly purchases = new PurchaseSpend()
  readonly #bands = new Bands()
  readonly #load = new RecordedLoad()
  readonly log: EventLog
  firstAt: number | null = null
  newest: LedgerEntry | null = null

  /** `inLedger`: true if readers can look up the entries. */
  constructor(
    readonly supernode: { id: string; name: string },
    { inLedger }: { inLedger: boolean },
  ) {
    this.log = new EventLog({ name: inLedger ? supernode.name : null })
  }

  /** Adds an entry of the supernode's chain. Entries must come in their order. */
  add(entry: LedgerEntry): void {
    this.policies.add(entry)
    this.servers.add(entry)
    this.purchases.add(entry)
    this.#bands.add(entry, this.policies.newest)
    this.#load.add(entry)
    this.log.add(entry)
    this.firstAt ??= entry.at
    this.newest = entry
  }

  /** Adds an entry of stream `control`. */
  addControl(entry: LedgerEntry): void {
    const { said } = entry
    this.#bands.addControl(entry, this.supernode.id)
    const about = said && "supernode" in said ? said.supernode : null
    if (about === null || about === this.supernode.id) this.log.add(entry)
  }

  /** The view without its key figures, load, holds and policy file. */
  view(range: Range, texts: Texts): Omit<View, "facts" | "loads" | "holds" | "policyFile"> {
    const { policies, purchases, log } = this
    const events = log.events.filter(({ at }) => at >= range.from && at <= range.to)
    const timezone = policies.newest?.timezone ?? "UTC"
    return {
      id: this.supernode.id,
      supernode: this.supernode.name,
      policies: policies.all.map(({ hash, since }) => ({ hash, since })),
      timezone,
      ...range,
      servers: this.servers.within(range),
      serversLimit: policies.newest?.limits.servers ?? null,
      bands: this.#bands.within(range, (requestedAt) => !purchases.has(requestedAt)),
      spend: purchases.spend(policies, range),
      events: events.map((event) => texts.numbered(event, timezone)),
      notes: notesOf(log),
    }
  }

  /** Load in recorded decisions, one chart per rule. */
  recordedLoads(range: Range): Load[] {
    const known = this.policies.newest?.rules ?? []
    const names = [...new Set([...known.map(({ name }) => name), ...this.#load.rules])]
    return names.map((name) => {
      const rule = known.find((one) => one.name === name) ?? null
      const values = this.#load.within(name, rule, range)
      return loadOf({
        policies: this.policies,
        range,
        rules: [name],
        rule,
        values,
        empty: "No decision recorded in this period has a value of this rule.",
      })
    })
  }
}

interface LoadParts {
  policies: PoliciesInForce
  range: Range
  rules: readonly string[]
  /** One of the rules, which names the metric; `null` if the newest policy has none of them. */
  rule: Rule | null
  values: Load["values"]
  /** Text for a chart without values. */
  empty: string
}

export function loadOf({ policies, range, rules, rule, values, empty }: LoadParts): Load {
  return {
    title: rules.join(", "),
    says: rule ? sayMetric(rule) : "the current policy no longer has this rule",
    rules: [...rules],
    values,
    thresholds: thresholdsOf(policies, { rules, ...range }),
    empty: values.rows === 0 ? empty : null,
  }
}

/** The metric of a rule, in a few words. */
function sayMetric({ metric, points }: Rule): string {
  const { "cloud-eye": cloudEye, prometheus, cloudwatch } = metric
  const needed = `${points.m} of ${counted(points.n, "point")}`
  if (cloudEye) return `${cloudEye.name} (${cloudEye.namespace}), ${cloudEye.statistic}; ${needed}`
  if (cloudwatch) return `${cloudwatch.name} (${cloudwatch.namespace}), ${cloudwatch.statistic}; ${needed}`
  if (prometheus) return `Prometheus: ${prometheus.query}; ${needed}`
  return `the alarm's own points; ${needed}`
}

function notesOf({ holds }: EventLog): string[] {
  const { count, stride, newest } = holds
  if (stride === 1) return []
  return [
    `Of ${count} recorded holds the newest ${newest} are listed, and every ${stride}th before them. All of them count in the bars.`,
  ]
}

export function ruleIn(policy: Policy | null, name: string | undefined): Rule | null {
  return policy?.rules.find((rule) => rule.name === name) ?? null
}
