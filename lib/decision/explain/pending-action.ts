import type { Decision } from "../decision.ts"
import type { ScaleUpPlan } from "../plan.ts"
import type { NotifyTopic } from "../policy/notify.ts"
import { counted } from "../policy/units.ts"
import type { AttemptState, OpenAttempt } from "../state/attempt.ts"
import type { SupernodeState } from "../state/state.ts"
import { sayTime } from "../verdict.ts"
import { operatorCommand, SETTLEMENTS } from "./operator-command.ts"
import type { PurchaseMessage } from "./purchase-message.ts"

/** What lasts until a person does something about it. */
export type WaitingState =
  | Exclude<AttemptState, "open" | "accepted">
  | "breaker"
  | "efficacy"
  | "approval-needed"

/** Everything that a notification can be about: what lasts, and what happened. */
export type NotifiedState =
  | WaitingState
  | "purchase"
  | "order-unpaid"
  | "order-differs"
  | "blind"
  | "policy-refused"
  | "daily"

/** The subject under which the policy's `notify` lists a state. */
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
      return "trouble"
    default:
      return state satisfies never
  }
}

/** Happened once, and is told once: every recipient that took it is on record. */
export function isNotifiedOnce(state: NotifiedState): boolean {
  return state === "purchase" || state === "order-differs"
}

/** What a notification says. */
export interface PendingAction {
  state: NotifiedState
  /** Equal as long as the same thing waits: what was told once in the hour is not told again. */
  about: string
  /** What it is, in sentences. */
  says: string
  /** The command line that ends it, with TEXT and WHO to fill in. */
  todo: string
  /** When the attempt was opened, the purchase refused, the newest one complete that did not help, or the want of approval last noted; epoch milliseconds. */
  since: number
  attempt: string | null
  orderId: string | null
  /** The plan that wants approval. */
  planHash: string | null
  /** Only with a purchase. */
  purchase?: PurchaseMessage
}

export interface PendingActionFacts {
  /** The supernode's, in the policy. */
  name: string
  state: SupernodeState
  decision: Pick<Decision, "heldBy" | "findings">
  plan: ScaleUpPlan | null
  /** Never before the chain's newest entry: workers whose clocks differ must not take turns telling. */
  now: number
}

/** While a state lasts, it is told again this often and not oftener. */
export const NOTIFY_AGAIN_MS = 3_600_000

/** What waits for a person; null where nothing does. */
export function pendingAction({ name, state, decision, plan }: PendingActionFacts): PendingAction | null {
  const { attempt, breaker, lastDecision } = state
  if (attempt) return attemptWaits(name, attempt)
  const nothing = { attempt: null, orderId: null, planHash: null }
  if (breaker) {
    return {
      ...nothing,
      state: "breaker",
      about: `breaker ${breaker.class} ${breaker.since}`,
      says: `the purchase was refused (${breaker.class}) at ${sayTime(breaker.since)}: ${breaker.says}. Nothing is bought until the cause is mended and a person resets it`,
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
  // The chain may have moved on since this was decided: then its newest decision says what is wanted.
  if (decision.heldBy !== "approval-needed" || lastDecision?.heldBy !== "approval-needed" || !plan)
    return null
  const finding = decision.findings.find(({ reason }) => reason === "approval-needed")
  return {
    ...nothing,
    state: "approval-needed",
    about: `approval-needed ${plan.hash}`,
    says: `to go from ${plan.from} to ${counted(plan.to, "server")} (${plan.flavor}) wants approval: ${finding?.says ?? "it is above the policy's price"}`,
    todo: operatorCommand.approve(plan.hash),
    since: lastDecision.at,
    planHash: plan.hash,
  }
}

/** The stop that was decided, as long as the chain's newest purchase is still the one it was decided for. */
function efficacyStop(state: SupernodeState, { findings }: PendingActionFacts["decision"]) {
  const finding = findings.find(({ gate, passed }) => gate === "efficacy" && passed === false)
  const newest = state.effects?.at(-1)
  if (!finding || !newest || finding.facts["stopped"] !== true || finding.facts["newest"] !== newest.attempt)
    return null
  return { ...newest, says: finding.says }
}

function attemptWaits(name: string, attempt: OpenAttempt): PendingAction | null {
  const { id, state, says, openedAt, acceptedAt, from, to, flavor, orderId } = attempt
  if (state === "open" || state === "accepted") return null
  const order = orderId === null ? "" : `, order ${orderId}`
  return {
    state,
    // Settled as accepted, the same attempt may come to wait once more: that is news.
    about: `${state} ${id} ${acceptedAt ?? openedAt}`,
    says: `the attempt of ${sayTime(openedAt)} to go from ${from} to ${counted(to, "server")} (${flavor}${order}) ${says}. Nothing more is bought until a person settles it`,
    todo: operatorCommand.settle(name, SETTLEMENTS),
    since: openedAt,
    attempt: id,
    orderId,
    planHash: null,
  }
}
