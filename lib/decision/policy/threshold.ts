import type { Rule } from "./policy.ts"

// Evaluation of one value under one rule: the step that it reaches, and whether it is clear. A single
// threshold is treated as one step that proposes one rung up.

type Step = Rule["steps"][number]

/** True if high values breach. Steps that are open below and closed above breach on low values. */
export function highIsBad({ compare, steps }: Rule): boolean {
  if (compare) return compare.op === "above" || compare.op === "at_least"
  const [lowest, highest] = [mildestFirst(steps, true)[0], mildestFirst(steps, true).at(-1)]
  return lowest?.from !== null || highest?.to === null
}

function mildestFirst(steps: Step[], high: boolean): Step[] {
  return [...steps].sort((a, b) =>
    high ? (a.from ?? -Infinity) - (b.from ?? -Infinity) : (b.to ?? Infinity) - (a.to ?? Infinity),
  )
}

export interface Level {
  /** Rungs up from the current one. */
  up: number
  isReachedBy(value: number): boolean
}

/** Cached levels. Safe, since rules do not change after they are read. */
const knownLevels = new WeakMap<Rule, readonly Level[]>()

/** The levels of a rule, mildest first. */
export function levelsOf(rule: Rule): readonly Level[] {
  const known = knownLevels.get(rule)
  if (known) return known
  const levels = makeLevels(rule)
  knownLevels.set(rule, levels)
  return levels
}

function makeLevels(rule: Rule): Level[] {
  if (rule.steps.length === 0) return [{ up: 1, isReachedBy: (value) => crosses(rule, value) }]
  const high = highIsBad(rule)
  // A value beyond the outer end of the worst step still counts as that step: the load is even worse.
  return mildestFirst(rule.steps, high).map(({ from, to, up }) => ({
    up,
    isReachedBy: (value) => (high ? value >= (from ?? -Infinity) : value < (to ?? Infinity)),
  }))
}

/** Compares without rounding: `above` is >, `at_least` is >=, `below` is <, `at_most` is <=. */
function crosses({ compare }: Rule, value: number): boolean {
  if (!compare) return false
  switch (compare.op) {
    case "above":
      return value > compare.value
    case "at_least":
      return value >= compare.value
    case "below":
      return value < compare.value
    case "at_most":
      return value <= compare.value
    default:
      return compare.op satisfies never
  }
}

/** True if the value is clear: past `clear` if the rule has it, otherwise not breaching. */
export function isOnClearSide(rule: Rule, value: number): boolean {
  if (rule.clear === null) return !levelsOf(rule).some((level) => level.isReachedBy(value))
  return highIsBad(rule) ? value < rule.clear : value > rule.clear
}
