import type { Decision } from "../decision/decision.ts"
import { confirmedTime } from "../decision/inputs/clock.ts"
import type { ScaleUpPlan } from "../decision/plan.ts"
import type { Situation } from "../decision/situation.ts"
import type { Outcome } from "../decision/state/outcome.ts"
import type { Standing } from "../decision/state/state.ts"
import { canonicalText } from "../digest.ts"
import type { Ports } from "../ports.ts"
import { heldOutside } from "./held-outside.ts"
import type { RunTask } from "./task.ts"

// What a run asks itself that no gate can answer: is there room and time, is it news, may another try follow.

/** Time kept for writing the outcome: a purchase does not start without it. */
const LEDGER_WRITE_MS = 5_000
/** A standing bigger than this leaves no room for the settlement of an attempt. */
const MOST_STANDING_BYTES = 96 * 1024
const DAY_MS = 86_400_000

/** What a purchase needs once its connection stands: the exchange, and one write. */
export function timeToBuy({ buyTimeoutMs }: RunTask): number {
  return buyTimeoutMs + LEDGER_WRITE_MS
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

interface Noted {
  task: RunTask
  situation: Situation
  decision: Decision
  plan: ScaleUpPlan | null
}

/** An alarm's or a person's decision always; a tick's when it says something new, or a day has passed. */
export function isWorthNoting({ task, situation, decision, plan }: Noted): boolean {
  const { standing, now, policy, policyHash, supernode } = situation
  const last = standing.lastDecision
  if (task.signal.kind !== "tick" || !last || decision.cleared.length > 0) return true
  // The first look at the servers, and the first under a policy, are remembered by being written down.
  const isFirstLook = standing.servers === null && supernode.state === "read"
  if (isFirstLook || standing.policySeen?.hash !== policyHash || now - last.at >= DAY_MS) return true
  // The time until it is armed begins with an entry whose time is confirmed.
  const mayArm = standing.policySeen.unconfirmed && policy.armAfterMs > 0 && confirmedTime(situation) !== null
  if (mayArm) return true
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
