import { armingUntil } from "../decision/pacing/arming.ts"
import { sayDuration } from "../decision/policy/amounts.ts"
import type { RunMode, Situation } from "../decision/situation.ts"
import { sayTime } from "../decision/verdict.ts"
import type { RunTask } from "./task.ts"

/** The mode in which the run may act: a live run only observes while its policy is new (`arm_after`). */
export function modeOf(task: RunTask, situation: Situation): RunMode {
  return task.mode === "live" && armingUntil(situation) !== null ? "observe" : task.mode
}

/** Reason why a run buys nothing even if all gates pass; null if it may buy, and for a dry run. */
export function whyObserved(task: RunTask, situation: Situation): string | null {
  if (task.mode === "observe")
    return "SUPERNODE_MODE is not live, so runs decide and record but never buy, even if an event requests a purchase. To allow purchases, set SUPERNODE_MODE=live"
  const until = task.mode === "live" ? armingUntil(situation) : null
  if (until === null) return null
  const { policy, now } = situation
  const end = sayTime(until === "unseen" ? now + policy.armAfterMs : until)
  return `this policy is new. Until ${end}, runs only decide and record, because arm_after is ${sayDuration(policy.armAfterMs)}`
}
