import { purchasesWithin } from "../money/cost.ts"
import { fleetPurchases } from "../money/fleet-spend.ts"
import { purchasesSince, sayWindow, windowStart } from "../money/window.ts"
import { counted, sayDuration } from "../policy/amounts.ts"
import { amountOf, type Money, sayMoney } from "../policy/money.ts"
import type { Budget, Policy } from "../policy/policy.ts"
import type { Situation } from "../situation.ts"
import type { Purchase } from "../state/purchases.ts"
import { fail, notEvaluated, pass, type Verdict } from "../verdict.ts"
import type { GateFacts } from "./gate.ts"

/**
 * Counts attempts that may have cost money: open, accepted, unknown. Refused and unsent attempts do not
 * count.
 */
export function actionRate({ situation }: GateFacts): Verdict {
  const { state, policy, now } = situation
  const ownVerdict = rateUnder(policy.limits.actions, state.purchases, now)
  const cap = policy.fleet?.actions
  if (!cap) return ownVerdict
  const all = fleetPurchases(situation)
  return withFleet(ownVerdict, all && rateUnder(cap, all, now))
}

function rateUnder(
  { count, perMs }: Policy["limits"]["actions"],
  purchases: Purchase[],
  now: number,
): Verdict {
  const used = purchasesWithin({ purchases }, now, perMs).length
  const facts = { used, allowed: count, perMs }
  const period = sayDuration(perMs)
  if (used < count) return pass(`${used} of ${count} purchases in ${period}`, facts)
  const says =
    used === count
      ? `${used} of ${count} purchases in ${period} are used up`
      : `${used} purchases in ${period}, and at most ${count} are allowed`
  return fail("action-rate", says, facts)
}

/**
 * Combined verdict of the supernode's own cap and the fleet's: either can fail it. A cap that was not counted
 * never passes.
 */
function withFleet(ownVerdict: Verdict, fleet: Verdict | null): Verdict {
  if (!fleet) {
    if (ownVerdict.passed === false) return ownVerdict
    return {
      ...notEvaluated(`${ownVerdict.says}; the other supernodes' purchases were not read`),
      facts: ownVerdict.facts,
    }
  }
  const says = `${ownVerdict.says}; across all supernodes ${fleet.says}`
  const facts = { ...ownVerdict.facts, fleet: fleet.facts }
  const failed = [ownVerdict, fleet].find(({ passed }) => passed === false)
  if (failed?.reason) return fail(failed.reason, says, facts)
  return ownVerdict.passed === null || fleet.passed === null
    ? { ...notEvaluated(says), facts }
    : { ...pass(says), facts }
}

export function priceKnown({ situation, choice, cost }: GateFacts): Verdict {
  const { policy, state } = situation
  const { limits, approval, fleet } = policy
  const cap = fleet?.budget ?? null
  if (!limits.budget && !approval && !cap)
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
  const ownVerdict = limits.budget ? unpriced(limits.budget, state.purchases, situation) : null
  if (ownVerdict) return ownVerdict
  const all = cap && fleetPurchases(situation)
  if (cap && !all)
    return notEvaluated(`the order costs ${sayMoney(cost)}; the other supernodes' purchases were not read`)
  return (
    (cap && all && unpriced(cap, all, situation)) ||
    pass(`the order costs ${sayMoney(cost)}`, { cost: amountOf(cost) })
  )
}

/**
 * Purchases in a budget's window that cannot be added up. The policy's currency may have changed since then.
 */
function unpriced(
  { per, currency }: Budget,
  purchases: Purchase[],
  { policy, now }: Situation,
): Verdict | null {
  const window = purchasesSince(purchases, windowStart(per, policy.timezone, now))
  const found = window.filter(({ cost }) => cost?.currency !== currency)
  if (found.length === 0) return null
  return fail(
    "price-unknown",
    `${counted(found.length, "purchase")} in the budget's window ${found.length === 1 ? "has" : "have"} no known price in ${currency}`,
    { attempts: found.map(({ attempt }) => attempt) },
  )
}

/**
 * booked + reserved + this ≤ cap, inclusive. Reserved and unknown amounts count until a person settles them.
 */
export function withinBudget({ situation, choice, cost }: GateFacts): Verdict {
  const { state, policy } = situation
  const { budget } = policy.limits
  const cap = policy.fleet?.budget
  if (!budget && !cap) return pass("the policy has no budget")
  if (!choice.target || !cost) return notEvaluated("the price of the order is not known")
  const ownVerdict = budget
    ? spendUnder(budget, { purchases: state.purchases, cost, situation })
    : pass("the policy has no limits.budget")
  if (!cap) return ownVerdict
  const all = fleetPurchases(situation)
  return withFleet(ownVerdict, all && spendUnder(cap, { purchases: all, cost, situation }))
}

interface Spend {
  purchases: Purchase[]
  cost: Money
  situation: Situation
}

function spendUnder(budget: Budget, { purchases, cost, situation: { policy, now } }: Spend): Verdict {
  const since = windowStart(budget.per, policy.timezone, now)
  const window = purchasesSince(purchases, since)
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
