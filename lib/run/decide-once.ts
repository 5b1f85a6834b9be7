import { type Considered, consider } from "../decision/decide.ts"
import type { Decision } from "../decision/decision.ts"
import type { Situation } from "../decision/situation.ts"
import { digest } from "../digest.ts"
import type { RunTask } from "./task.ts"

/** Number of situations that are cached per run. A situation that was dropped from the cache is decided again. */
const MAX_SITUATIONS = 8
/** Number of simultaneous runs whose decisions are cached. */
const MAX_RUNS = 128

/**
 * The newest situations of each run in progress, with their decisions. A WeakMap would need no `endDecisions`, but it slows
 * garbage collection: a simulation takes a third longer.
 */
const ofRuns = new Map<RunTask, Considered[]>()

/** The decision about a situation, cached. A run needs it up to seven times, mostly for the same situation. Situations are immutable. */
export function decideOnce(task: RunTask, situation: Situation): Decision {
  return considerOnce(task, situation).decision
}

/** The decision with the facts of its gates, for its explanation and its plan. */
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
