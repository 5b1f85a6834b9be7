import type { Rule } from "./policy.ts"

// What one value says under one rule: which step it reaches, and whether it is on the clear side. `steps` and a single
// threshold are the same thing here: a threshold is one step, one rung up.

type Step = Rule["steps"][number]

/** Is a high value the bad one? Steps that are open at their lower end, and closed at the upper, mind low values. */
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

/** Rules do not change once they are read. */
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
  // Past the far end of the last step the load is worse still: it counts as that step, never as none.
  return mildestFirst(rule.steps, high).map(({ from, to, up }) => ({
    up,
    isReachedBy: (value) => (high ? value >= (from ?? -Infinity) : value < (to ?? Infinity)),
  }))
}

/** As written, without rounding: `above` is >, `at_least` is >=, `below` is <, `at_most` is <=. */
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

/** On the clear side: past `clear` where it is written, else simply not breaching. */
export function isOnClearSide(rule: Rule, value: number): boolean {
  if (rule.clear === null) return !levelsOf(rule).some((level) => level.isReachedBy(value))
  return highIsBad(rule) ? value < rule.clear : value > rule.clear
}
