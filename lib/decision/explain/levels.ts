import type { ComparisonOperator } from "../policy/choices.ts"
import type { Rule } from "../policy/policy.ts"
import { highIsBad } from "../policy/threshold.ts"
import type { Level } from "./change.ts"

const OPPOSITE: Record<ComparisonOperator, ComparisonOperator> = {
  above: "at_most",
  at_most: "above",
  at_least: "below",
  below: "at_least",
}

/** Values that breach: past the threshold, or on the mildest step. `null` if every number breaches. */
export function breachingLevel({ compare, steps, ...rule }: Rule): Level | null {
  if (compare) return { op: compare.op, value: compare.value }
  const high = highIsBad({ compare, steps, ...rule })
  const ends = steps.map(({ from, to }) => (high ? (from ?? -Infinity) : (to ?? Infinity)))
  const value = high ? Math.min(...ends) : Math.max(...ends)
  return Number.isFinite(value) ? { op: high ? "at_least" : "below", value } : null
}

/** Values that are clear; `null` if no number is. */
export function clearLevel(rule: Rule): Level | null {
  if (rule.clear !== null) return { op: highIsBad(rule) ? "below" : "above", value: rule.clear }
  const breaching = breachingLevel(rule)
  return breaching && { op: OPPOSITE[breaching.op], value: breaching.value }
}

/** ` above 85`; empty if any value is enough. */
export function sayLevel(level: Level | null): string {
  return level === null ? "" : ` ${level.op.replace("_", " ")} ${level.value}`
}
