import { purchasesWithin } from "../cost.ts"
import { amountOf, sayMoney } from "../money.ts"
import { sayDuration } from "../units.ts"
import { fail, notEvaluated, pass, type Verdict } from "../verdict.ts"
import { purchasesSince, sayWindow, windowStart } from "../window.ts"
import type { GateFacts } from "./gate.ts"

/** Counts attempts that may have cost money: open, accepted, unknown. Refused and unsent ones use up nothing. */
export function actionRate({ situation: { standing, policy, now } }: GateFacts): Verdict {
  const { count, perMs } = policy.limits.actions
  if (policy.fleet?.actions) return fail("action-rate", FLEET_IS_NOT_COUNTED, { fleet: policy.fleet.actions })
  const used = purchasesWithin(standing, now, perMs).length
  const facts = { used, allowed: count, perMs }
  const says = `${used} of ${count} purchases in ${sayDuration(perMs)}`
  return used < count ? pass(says, facts) : fail("action-rate", `${says} are used up`, facts)
}

/** A cap that nobody counts is no cap: until it is counted across supernodes, it stops the buying. */
const FLEET_IS_NOT_COUNTED =
  "the policy has a `fleet` cap, which this version does not count across supernodes; nothing is bought while it is written there"

export function priceKnown({ situation: { standing, policy, now }, choice, cost }: GateFacts): Verdict {
  const { budget } = policy.limits
  if (!budget && !policy.approval)
    return pass(
      `the policy has no budget and no approval${cost ? `; the order costs ${sayMoney(cost)}` : ""}`,
    )
  if (!choice.target) return notEvaluated("no rung was chosen")
  if (!cost)
    return fail(
      "price-unknown",
      `${choice.target.flavor} has no price in the ladder, and the policy has a budget or an approval`,
      { flavor: choice.target.flavor },
    )
  const unpriced = budget
    ? purchasesSince(standing.purchases, windowStart(budget.per, policy.timezone, now)).filter(
        // The policy's currency may have changed since: amounts of two are never added.
        (purchase) => purchase.cost?.currency !== budget.currency,
      )
    : []
  if (unpriced.length > 0) {
    return fail(
      "price-unknown",
      `${unpriced.length} purchases in the budget's window have no known price in ${budget?.currency}`,
      {
        attempts: unpriced.map((purchase) => purchase.attempt),
      },
    )
  }
  return pass(`the order costs ${sayMoney(cost)}`, { cost: amountOf(cost) })
}

/** booked + reserved + this ≤ cap, inclusive. What is reserved and unknown stays counted until somebody settles it. */
export function withinBudget({ situation: { standing, policy, now }, choice, cost }: GateFacts): Verdict {
  const { budget } = policy.limits
  if (policy.fleet?.budget) return fail("over-budget", FLEET_IS_NOT_COUNTED, {})
  if (!budget) return pass("the policy has no budget")
  if (!choice.target || !cost) return notEvaluated("the price of the order is not known")
  const since = windowStart(budget.per, policy.timezone, now)
  const window = purchasesSince(standing.purchases, since)
  const spent = window.reduce((sum, purchase) => sum + (purchase.cost?.minor ?? 0), 0)
  const money = (minor: number) => ({ minor, currency: budget.currency })
  const facts = {
    spent: amountOf(money(spent)),
    order: amountOf(cost),
    cap: amountOf(budget),
    per: budget.per,
    since,
  }
  const over = sayWindow(budget.per, policy.timezone, now)
  const says = `${sayMoney(money(spent))} booked and reserved ${over}, ${sayMoney(cost)} for this order, ${sayMoney(budget)} allowed`
  return spent + cost.minor <= budget.minor ? pass(says, facts) : fail("over-budget", says, facts)
}
