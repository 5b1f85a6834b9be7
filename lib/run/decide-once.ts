import { type Considered, consider } from "../decision/decide.ts"
import type { Decision } from "../decision/decision.ts"
import type { Situation } from "../decision/situation.ts"
import { digest } from "../digest.ts"
import type { RunTask } from "./task.ts"

/** Situations of one run that it may still ask about; a miss only costs one more decision. */
const MAX_SITUATIONS = 8
/** Runs at the same time whose decisions are kept. */
const MAX_RUNS = 128

/**
 * The newest situations of each run in progress, with their decisions. A WeakMap would need no end, but garbage collections
 * keep its new members, and that takes a third of a simulation's time.
 */
const ofRuns = new Map<RunTask, Considered[]>()

/** `decide`, once per situation: a run asks up to seven times, and mostly about one it knows. Situations never change. */
export function decideOnce(task: RunTask, situation: Situation): Decision {
  return considerOnce(task, situation).decision
}

/** The same with the facts of its gates, for its explanation and its plan. */
export function considerOnce(task: RunTask, situation: Situation): Considered {
  const newest = situationsOf(task)
  for (const known of newest) if (known.facts.situation === situation) return known
  const considered = consider(situation, digest)
  if (newest.length === MAX_SITUATIONS) newest.shift()
  newest.push(considered)
  return considered
}

/** Forgets the decisions of a run that is over. */
export function endDecisions(task: RunTask): void {
  ofRuns.delete(task)
}

function situationsOf(task: RunTask): Considered[] {
  const known = ofRuns.get(task)
  if (known) return known
  const [oldest] = ofRuns.keys()
  if (oldest && ofRuns.size === MAX_RUNS) ofRuns.delete(oldest)
  const none: Considered[] = []
  ofRuns.set(task, none)
  return none
}
