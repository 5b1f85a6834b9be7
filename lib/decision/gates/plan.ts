import { CLOCK_TOLERANCE_MS } from "../inputs/clock.ts"
import { counted } from "../policy/amounts.ts"
import type { Approver } from "../policy/approvers.ts"
import { sayMoney } from "../policy/money.ts"
import { approvalEnd, approverOf } from "../state/approvals.ts"
import { distinctPeople, personKey } from "../state/approver.ts"
import { fail, notEvaluated, pass, type Verdict } from "../verdict.ts"
import type { GateFacts } from "./gate.ts"

/** Buys the plan that was shown, or nothing. */
export function planAsShown({ situation: { signal }, planOf }: GateFacts): Verdict {
  if (signal.kind !== "request") return pass("an automatic run has no shown plan to compare")
  if (signal.planHash === null) {
    return signal.mode === "dry-run"
      ? pass("a dry run shows the plan")
      : fail("plan-changed", "a live request needs the planHash that a dry run showed")
  }
  const plan = planOf()
  if (!plan) return notEvaluated("no rung was chosen, so there is no plan to compare")
  const facts = { shown: signal.planHash, now: plan.hash }
  if (signal.planHash === plan.hash) return pass("the plan is the one that was shown", facts)
  return fail(
    "plan-changed",
    `the plan that was shown is ${signal.planHash}, but the current plan is ${plan.hash}. Make a new dry run`,
    facts,
  )
}

/**
 * Above a price, distinct people other than the requester must have approved this exact plan. Each approval must be
 * recent and counts once.
 */
export function approved({ situation, choice, planOf, cost }: GateFacts): Verdict {
  const { policy, control, signal, state, now } = situation
  if (!policy.approval) return pass("the policy requires no approval")
  if (!choice.target || !cost) return notEvaluated("the price of the order is not known")
  const { above, approvers, expires } = policy.approval
  if (cost.minor <= above.minor)
    return pass(`${sayMoney(cost)} needs no approval: only orders above ${sayMoney(above)} do`)
  if (control.state !== "read") return notEvaluated("the control stream was not read")
  const plan = planOf()
  if (!plan) return notEvaluated("no rung was chosen")
  const requester = signal.kind === "request" ? personKey(signal.requestedBy) : null
  const given = control.value.approvals.filter(
    (approval) =>
      approval.planHash === plan.hash &&
      personKey(approval.by) !== requester &&
      approvalEnd(approval, expires) > now &&
      approval.at - now <= CLOCK_TOLERANCE_MS &&
      approval.at > (state.openedAt ?? -Infinity),
  )
  // Only people whom the policy lists count, in the spelling of the policy.
  const counting = given.flatMap((approval) => approverOf(approval, policy.approvers, { expires, now }) ?? [])
  const names = distinctPeople(counting.map(({ name }) => name)).sort()
  const ignored = sayIgnored({ given: given.map(({ by }) => by), names, listed: policy.approvers })
  const facts = { planHash: plan.hash, approvedBy: names, needed: approvers }
  if (names.length >= approvers) return pass(`approved by ${names.join(", ")}`, facts)
  return fail(
    "approval-needed",
    `${sayMoney(cost)} is above ${sayMoney(above)}, so ${counted(approvers, "approval")} of ${plan.hash} ${approvers === 1 ? "is" : "are"} needed, ${names.length} ${names.length === 1 ? "is" : "are"} valid${ignored}`,
    facts,
  )
}

interface Ignored {
  /** People whose approval has not expired and is not used up. */
  given: readonly string[]
  /** Those of them that count. */
  names: readonly string[]
  listed: readonly Approver[]
}

/** Number of approvals that do not count; it is shown so that no reader believes that they are lost. */
function sayIgnored({ given, names, listed }: Ignored): string {
  const counting = new Set(names.map(personKey))
  const others = new Set(given.map(personKey).filter((key) => !counting.has(key)))
  const unsigned = listed.filter(({ name }) => others.has(personKey(name))).length
  const unlisted = others.size - unsigned
  const reasons = [
    ...(unlisted > 0 ? [`${unlisted} by people who are not in the policy's approvers`] : []),
    ...(unsigned > 0 ? [`${unsigned} without a valid signature`] : []),
  ]
  return reasons.length > 0 ? `; not counted: ${reasons.join(", ")}` : ""
}
