import { type Considered, consider } from "../decision/decide.ts"
import type { Decision } from "../decision/decision.ts"
import type { Situation } from "../decision/situation.ts"
import { digest } from "../digest.ts"
import type { RunTask } from "./task.ts"

/** Situations that one run may still ask about; a miss only costs one more decision. */
const REMEMBERED = 8

/** The newest situations of each run with their decisions. They end with their run, so that they outlive no garbage collection. */
const ofRuns = new WeakMap<RunTask, Considered[]>()

/** `decide`, once per situation: a run asks up to seven times, and mostly about one it knows. Situations never change. */
export function decideOnce(task: RunTask, situation: Situation): Decision {
  return considerOnce(task, situation).decision
}

/** The same with the facts of its gates, for its explanation and its plan. */
export function considerOnce(task: RunTask, situation: Situation): Considered {
  const newest = ofRuns.get(task) ?? []
  const known = newest.findLast(({ facts }) => facts.situation === situation)
  if (known) return known
  const considered = consider(situation, digest)
  if (newest.length === 0) ofRuns.set(task, newest)
  if (newest.length === REMEMBERED) newest.shift()
  newest.push(considered)
  return considered
}
