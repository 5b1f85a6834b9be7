import type { Decision } from "../decision/decision.ts"
import { armingUntil } from "../decision/pacing/arming.ts"
import type { ScaleUpPlan } from "../decision/plan.ts"
import { sayDuration } from "../decision/policy/units.ts"
import type { RunMode, Situation } from "../decision/situation.ts"
import type { Outcome } from "../decision/state/outcome.ts"
import type { Standing } from "../decision/state/state.ts"
import { sayTime } from "../decision/verdict.ts"
import { canonicalText } from "../digest.ts"
import type { Ports } from "../ports.ts"
import type { RunTask } from "./gather.ts"
import { heldOutside } from "./result.ts"

// What a run asks itself that no gate can answer: is there room and time, does this policy buy already, is it news.

/** Time kept for writing the outcome: a purchase does not start without it. */
const LEDGER_WRITE_MS = 5_000
/** A standing bigger than this leaves no room for the settlement of an attempt. */
const MOST_STANDING_BYTES = 96 * 1024
const DAY_MS = 86_400_000

/** What a purchase needs once its connection stands: the exchange, and one write. */
export function timeToBuy({ buyTimeoutMs }: RunTask): number {
  return buyTimeoutMs + LEDGER_WRITE_MS
}

export function heldTooBig(decision: Decision): Decision {
  return heldOutside(decision, "standing-full", "the entry of this decision would be too big for the ledger")
}

/** What lies outside the gates: room in the entry and time in the function. */
export function mayOpen(ports: Ports, task: RunTask, standing: Standing, decision: Decision): Decision {
  if (Buffer.byteLength(canonicalText(standing)) > MOST_STANDING_BYTES) {
    return heldOutside(
      decision,
      "standing-full",
      "the chain remembers so much that an outcome might not fit any more; wait until old signals are forgotten",
    )
  }
  const neededMs = task.sendWithinMs + timeToBuy(task)
  if (ports.timeLeftMs() <= neededMs) {
    const says = `${Math.round(ports.timeLeftMs() / 1000)} s are left in the function; a purchase may take ${neededMs / 1000} s`
    return heldOutside(decision, "no-time", says)
  }
  return decision
}

/** A policy that was not seen long enough only observes (`arm_after`). */
export function modeOf(task: RunTask, situation: Situation): RunMode {
  return task.mode === "live" && armingUntil(situation) !== null ? "observe" : task.mode
}

/** Why a run that may find everything right buys nothing all the same; null where it would buy, and for a dry run. */
export function whyObserved(task: RunTask, situation: Situation): string | null {
  if (task.mode === "observe")
    return "SUPERNODE_MODE is not live here: runs decide and record, and buy nothing whatever an event asks for"
  const until = task.mode === "live" ? armingUntil(situation) : null
  if (until === null) return null
  const { policy, now } = situation
  const end = sayTime(until === "unseen" ? now + policy.armAfterMs : until)
  return `this policy is new: until ${end} runs only decide and record (arm_after: ${sayDuration(policy.armAfterMs)})`
}

interface Decided {
  task: RunTask
  situation: Situation
  decision: Decision
  plan: ScaleUpPlan | null
}

/** An alarm's or a person's decision always; a tick's when it says something new, or a day has passed. */
export function isWorthNoting({ task, situation, decision, plan }: Decided): boolean {
  const { standing, now, policyHash, supernode } = situation
  const last = standing.lastDecision
  if (task.signal.kind !== "tick" || !last || decision.cleared.length > 0) return true
  // The first look at the servers, and the first under a policy, are remembered by being written down.
  const isFirstLook = standing.servers === null && supernode.state === "read"
  if (isFirstLook || standing.policySeen?.hash !== policyHash || now - last.at >= DAY_MS) return true
  // A plan's hash covers the rung; what is held by nothing buys.
  return last.heldBy !== decision.heldBy || last.planHash !== (plan?.hash ?? null)
}

/** Only a capacity refusal leads to another attempt, and never for a plan that a person saw or approved. */
export function mayTryLarger({ signal }: RunTask, { policy }: Situation, outcome: Outcome): boolean {
  return (
    outcome.kind === "rejected" &&
    outcome.class === "capacity" &&
    policy.soldOut === "next-larger" &&
    signal.kind !== "request" &&
    !policy.approval
  )
}
