import { armingUntil } from "../decision/pacing/arming.ts"
import { sayDuration } from "../decision/policy/amounts.ts"
import type { RunMode, Situation } from "../decision/situation.ts"
import { sayTime } from "../decision/verdict.ts"
import type { RunTask } from "./task.ts"

/** A policy that is not known for long enough only observes (`arm_after`). */
export function modeOf(task: RunTask, situation: Situation): RunMode {
  return task.mode === "live" && armingUntil(situation) !== null ? "observe" : task.mode
}

/** Why a run would buy nothing although all gates pass; null if it would buy, and for a dry run. */
export function whyObserved(task: RunTask, situation: Situation): string | null {
  if (task.mode === "observe")
    return "SUPERNODE_MODE is not live: runs decide and record but never buy, even if an event requests it"
  const until = task.mode === "live" ? armingUntil(situation) : null
  if (until === null) return null
  const { policy, now } = situation
  const end = sayTime(until === "unseen" ? now + policy.armAfterMs : until)
  return `this policy is new: until ${end} runs only decide and record (arm_after: ${sayDuration(policy.armAfterMs)})`
}
