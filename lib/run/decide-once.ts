import { type Considered, consider } from "../decision/decide.ts"
import type { Decision } from "../decision/decision.ts"
import type { Situation } from "../decision/situation.ts"
import { digest } from "../digest.ts"

/** Enough for the runs of one process that look at their situations at the same time; a miss only costs a decision more. */
const REMEMBERED = 128

/**
 * The newest situations and their decisions. A WeakMap would do as well, but its many short-lived keys make a garbage collection
 * twice as long.
 */
const newest: Considered[] = []
let next = 0

/** `decide`, once per situation: a run asks up to seven times, and mostly about one it knows. Situations never change. */
export function decideOnce(situation: Situation): Decision {
  return considerOnce(situation).decision
}

/** The same with the facts of its gates, for its explanation and its plan. */
export function considerOnce(situation: Situation): Considered {
  for (let back = 1; back <= newest.length; back++) {
    const known = newest[(next - back + REMEMBERED) % REMEMBERED]
    if (known?.facts.situation === situation) return known
  }
  const considered = consider(situation, digest)
  newest[next] = considered
  next = (next + 1) % REMEMBERED
  return considered
}
