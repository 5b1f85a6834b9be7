import { isRecord } from "../../../lib/decision/policy/amounts.ts"
import type { Rule } from "../../../lib/decision/policy/policy.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import { envelopeOf, type LoadRow } from "./envelope.ts"
import type { Envelope } from "./report.ts"

/** Maximum number of values that are kept of one rule. The oldest ones are dropped first. */
const MAX_VALUES = 200_000
const USUAL_PERIOD_MS = 5 * 60_000

/** Values in the evidence of each rule. The ledger holds the load of recorded decisions only. */
export class RecordedLoad {
  readonly #byRule = new Map<string, Map<number, number>>()

  add({ decision }: LedgerEntry): void {
    const evidence = decision?.findings.find(({ gate }) => gate === "evidence")
    for (const { rule, points } of rulesIn(evidence?.facts["rules"])) {
      const values = this.#byRule.get(rule) ?? new Map<number, number>()
      this.#byRule.set(rule, values)
      for (const { at, value } of points) values.set(at, value)
      for (const at of values.keys()) {
        if (values.size <= MAX_VALUES) break
        values.delete(at)
      }
    }
  }

  get rules(): string[] {
    return [...this.#byRule.keys()]
  }

  within(name: string, rule: Rule | null, { from, to }: { from: number; to: number }): Envelope {
    const metric = rule?.metric["cloud-eye"] ?? rule?.metric.prometheus ?? rule?.metric.cloudwatch
    const durationMs = metric?.period ?? USUAL_PERIOD_MS
    const rows = [...(this.#byRule.get(name) ?? [])]
      .filter(([at]) => at + durationMs > from && at <= to)
      .sort(([a], [b]) => a - b)
      .map(([at, value]): LoadRow => ({ at, value, durationMs }))
    const range = { from: rows[0]?.at ?? from, to: rows.at(-1)?.at ?? to, count: rows.length }
    return envelopeOf(rows, range)
  }
}

/** Reads the rules of a finding. Findings of older versions may lack them. */
function rulesIn(facts: unknown): { rule: string; points: { at: number; value: number }[] }[] {
  if (!Array.isArray(facts)) return []
  return facts.filter(isRecord).flatMap(({ rule, points }) => {
    if (typeof rule !== "string" || !Array.isArray(points)) return []
    const values = points
      .filter(isRecord)
      .flatMap(({ at, value }) =>
        typeof at === "number" && typeof value === "number" ? [{ at, value }] : [],
      )
    return [{ rule, points: values }]
  })
}
