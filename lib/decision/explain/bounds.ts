import type { ComparisonOperator } from "../policy/choices.ts"
import type { Rule } from "../policy/policy.ts"
import { highIsBad } from "../policy/threshold.ts"
import type { ValueBound } from "./change.ts"

const OPPOSITE: Record<ComparisonOperator, ComparisonOperator> = {
  above: "at_most",
  at_most: "above",
  at_least: "below",
  below: "at_least",
}

/** Values that breach: past the threshold, or on the mildest step. `null` if every number breaches. */
export function breachingBound({ compare, steps, ...rule }: Rule): ValueBound | null {
  if (compare) return { op: compare.op, value: compare.value }
  const high = highIsBad({ compare, steps, ...rule })
  const ends = steps.map(({ from, to }) => (high ? (from ?? -Infinity) : (to ?? Infinity)))
  const value = high ? Math.min(...ends) : Math.max(...ends)
  return Number.isFinite(value) ? { op: high ? "at_least" : "below", value } : null
}

/** Values that are clear; `null` if no number is. */
export function clearBound(rule: Rule): ValueBound | null {
  if (rule.clear !== null) return { op: highIsBad(rule) ? "below" : "above", value: rule.clear }
  const breaching = breachingBound(rule)
  return breaching && { op: OPPOSITE[breaching.op], value: breaching.value }
}

/** ` above 85`; empty if any value is enough. */
export function sayBound(bound: ValueBound | null): string {
  return bound === null ? "" : ` ${bound.op.replace("_", " ")} ${bound.value}`
}
