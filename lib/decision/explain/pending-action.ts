import type { Decision } from "../decision.ts"
import type { ScaleUpPlan } from "../plan.ts"
import { counted } from "../policy/amounts.ts"
import type { NotifyTopic } from "../policy/notify.ts"
import type { AttemptState, OpenAttempt } from "../state/attempt.ts"
import type { SupernodeState } from "../state/state.ts"
import type { WitnessRecord } from "../state/witness.ts"
import { sayTime } from "../verdict.ts"
import { operatorCommand, SETTLEMENTS } from "./operator-command.ts"
import type { PurchaseMessage } from "./purchase-message.ts"
import { sayWitness } from "./witness.ts"

/** A state that lasts until a person acts. */
export type WaitingState =
  | Exclude<AttemptState, "open" | "accepted">
  | "breaker"
  | "efficacy"
  | "approval-needed"

/** Every subject of a notification: lasting states and events. */
export type NotifiedState =
  | WaitingState
  | "purchase"
  | "order-unpaid"
  | "order-differs"
  | "order-unreadable"
  | "blind"
  | "policy-refused"
  | "daily"

/** Topic under which the policy's `notify` lists a state. */
export function topicOf(state: NotifiedState): NotifyTopic {
  switch (state) {
    case "purchase":
    case "daily":
      return state
    case "policy-refused":
      return "policy"
    case "approval-needed":
      return "approval"
    case "unknown":
    case "stuck":
    case "partial":
    case "wrong":
    case "breaker":
    case "efficacy":
    case "blind":
    case "order-unpaid":
    case "order-differs":
    case "order-unreadable":
      return "trouble"
    default:
      return state satisfies never
  }
}

/** True for an event. It is notified once, and the ledger records when every recipient has accepted it. */
export function isNotifiedOnce(state: NotifiedState): boolean {
  return state === "purchase" || state === "order-differs" || state === "order-unreadable"
}

/** Content of a notification. */
export interface PendingAction {
  state: NotifiedState
  /** Key of the state. It stays equal while the state lasts, so that it is notified once per interval. */
  about: string
  /** Description, in sentences. */
  says: string
  /** Next command line for the operator. It may contain the placeholders TEXT and WHO. */
  todo: string
  /**
   * Start of the state, epoch milliseconds. For an attempt, the time at which it was opened. For `breaker`,
   * the refusal. For `efficacy`, the completion of the newest purchase. For `approval-needed`, the newest
   * decision.
   */
  since: number
  attempt: string | null
  orderId: string | null
  /** Hash of the plan that needs approval; `null` for all other states. */
  planHash: string | null
  /** Present only for a purchase. */
  purchase?: PurchaseMessage
}

export interface PendingActionFacts {
  /** Name of the supernode in the policy. */
  name: string
  state: SupernodeState
  decision: Pick<Decision, "heldBy" | "findings">
  plan: ScaleUpPlan | null
  /**
   * Epoch milliseconds, never before the chain's newest entry. Otherwise workers whose clocks differ would
   * repeat each other's notifications.
   */
  now: number
}

/** Minimum interval between two notifications of a lasting state. */
export const NOTIFY_AGAIN_MS = 3_600_000

/** The state that waits for a person; `null` if there is none. */
export function pendingAction({ name, state, decision, plan }: PendingActionFacts): PendingAction | null {
  const { attempt, breaker, lastDecision } = state
  if (attempt) return attemptWaits(name, attempt, state.witness)
  const nothing = { attempt: null, orderId: null, planHash: null }
  if (breaker) {
    return {
      ...nothing,
      state: "breaker",
      about: `breaker ${breaker.class} ${breaker.since}`,
      says: `the purchase was refused (${breaker.class}) at ${sayTime(breaker.since)}: ${breaker.says}. Nothing is bought until an operator corrects the cause and runs the command \`reset\``,
      todo: operatorCommand.reset(name),
      since: breaker.since,
    }
  }
  const stop = efficacyStop(state, decision)
  if (stop) {
    return {
      ...nothing,
      state: "efficacy",
      about: `efficacy ${stop.attempt}`,
      says: stop.says,
      todo: operatorCommand.reset(name),
      since: stop.completedAt,
      attempt: stop.attempt,
    }
  }
  // The chain may already have a newer decision; then that one counts.
  if (decision.heldBy !== "approval-needed" || lastDecision?.heldBy !== "approval-needed" || !plan)
    return null
  const finding = decision.findings.find(({ reason }) => reason === "approval-needed")
  return {
    ...nothing,
    state: "approval-needed",
    about: `approval-needed ${plan.hash}`,
    says: `the purchase from ${plan.from} to ${counted(plan.to, "server")} (${plan.flavor}) needs approval: ${finding?.says ?? "its price is above approval.above"}`,
    todo: operatorCommand.approve(plan.hash),
    since: lastDecision.at,
    planHash: plan.hash,
  }
}

/**
 * The decision's efficacy stop; `null` if there is none, or if the chain has completed another purchase since
 * the decision.
 */
function efficacyStop(state: SupernodeState, { findings }: PendingActionFacts["decision"]) {
  const finding = findings.find(({ gate, passed }) => gate === "efficacy" && passed === false)
  const newest = state.effects?.at(-1)
  if (!finding || !newest || finding.facts["stopped"] !== true || finding.facts["newest"] !== newest.attempt)
    return null
  return { ...newest, says: finding.says }
}

function attemptWaits(
  name: string,
  attempt: OpenAttempt,
  witness: WitnessRecord | undefined,
): PendingAction | null {
  const { id, state, says, openedAt, acceptedAt, from, to, flavor, orderId } = attempt
  if (state === "open" || state === "accepted") return null
  const order = orderId === null ? "" : `, order ${orderId}`
  const seen = witness ? ` Seen at ${sayTime(witness.at)}: ${sayWitness(witness, attempt)}.` : ""
  return {
    state,
    // After it was settled as accepted, an attempt can wait again: that needs a new notification.
    about: `${state} ${id} ${acceptedAt ?? openedAt}`,
    says: `the attempt of ${sayTime(openedAt)} to go from ${from} to ${counted(to, "server")} (${flavor}${order}) ${says}.${seen} Nothing more is bought until a person settles it`,
    todo: operatorCommand.settle(name, SETTLEMENTS),
    since: openedAt,
    attempt: id,
    orderId,
    planHash: null,
  }
}
