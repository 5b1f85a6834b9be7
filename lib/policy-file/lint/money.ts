import { orderCost } from "../../decision/money/cost.ts"
import { sayDuration } from "../../decision/policy/amounts.ts"
import { isListedCurrency } from "../../decision/policy/currency.ts"
import { type Money, sayMoney } from "../../decision/policy/money.ts"
import type { Budget, Policy } from "../../decision/policy/policy.ts"
import type { LintFinding } from "./finding.ts"

/** Warns about caps without effect, missing or mistyped prices, and rungs that are never bought. */
export function lintMoney(policy: Policy): LintFinding[] {
  return [
    ...noBudget(policy),
    ...missingPrices(policy),
    ...pricesNotRising(policy),
    ...rateBeyondLadder(policy),
    ...nothingToBuy(policy),
    ...unreachableRungs(policy),
    ...capsAboveFleet(policy),
    ...approvalNeverAsked(policy),
    ...unknownCurrency(policy),
  ]
}

function noBudget({ limits, fleet }: Policy): LintFinding[] {
  if (limits.budget ?? fleet?.budget) return []
  const message = "is not set, and neither is fleet.budget: only the number of purchases limits the cost"
  return [{ id: "no-budget", path: ["limits", "budget"], message }]
}

function missingPrices({ ladder, limits, fleet, approval }: Policy): LintFinding[] {
  const isGuarded = Boolean(limits.budget ?? fleet?.budget ?? approval)
  return ladder.flatMap(({ price }, i): LintFinding[] => {
    if (price !== null) return []
    const path = ["ladder", i, "price"]
    if (!isGuarded) {
      return [{ id: "no-price", path, message: "has no price: the maximum cost is unknown" }]
    }
    const message =
      i === 0
        ? "has no price: every purchase from this rung counts with the whole price of the larger rung"
        : "has no price: with a budget or approval set, its purchase will be held as price-unknown"
    return [{ id: "unpriced-rung", path, message }]
  })
}

/**
 * An order costs the difference of two prices. If the larger rung's price is mistyped too low, the order
 * counts as free for every cap.
 */
function pricesNotRising({ ladder }: Policy): LintFinding[] {
  return ladder.flatMap(({ servers, price }, i): LintFinding[] => {
    const smaller = ladder.slice(0, i).find((rung) => orderCost(ladder, rung.servers, servers)?.minor === 0)
    if (!price || !smaller) return []
    const message = `is not higher than the price of the rung with ${counted(smaller.servers, "server")}. Budgets and approval would count an order from ${smaller.servers} to ${counted(servers, "server")} as 0 ${price.currency}`
    return [{ id: "price-not-rising", path: ["ladder", i, "price", "amount"], message }]
  })
}

function rateBeyondLadder({ limits: { actions }, ladder }: Policy): LintFinding[] {
  const steps = ladder.length - 1
  if (steps === 0 || actions.count <= steps) return []
  const message = `allows ${counted(actions.count, "purchase")} in ${sayDuration(actions.perMs)}, but the ladder has only ${counted(steps, "step")}. Further purchases are possible only after servers were deleted`
  return [{ id: "rate-beyond-ladder", path: ["limits", "actions"], message }]
}

function nothingToBuy({ limits, ladder }: Policy): LintFinding[] {
  if (limits.actions.count === 0) {
    const message = "allows no purchase: to stop buying for a while, run `pause`, which records the reason"
    return [{ id: "nothing-to-buy", path: ["limits", "actions"], message }]
  }
  const allowed = ladder.filter(({ servers }) => servers <= limits.servers)
  if (allowed.length > 1) return []
  const message =
    ladder.length === 1
      ? "has one rung: there is no larger one to buy"
      : `has one rung within limits.servers (${limits.servers}): there is no larger one to buy`
  return [{ id: "nothing-to-buy", path: ["ladder"], message }]
}

function unreachableRungs({ ladder, limits, fleet }: Policy): LintFinding[] {
  const budgets = [
    ...(limits.budget ? [{ key: "limits.budget", cap: limits.budget }] : []),
    ...(fleet?.budget ? [{ key: "fleet.budget", cap: fleet.budget }] : []),
  ]
  return ladder.slice(1).flatMap(({ servers }, nth): LintFinding[] => {
    const path = ["ladder", nth + 1]
    if (servers > limits.servers) {
      const message = `is never bought: it has ${counted(servers, "server")}, and limits.servers allows ${limits.servers}`
      return [{ id: "unreachable-rung", path, message }]
    }
    const cheapest = cheapestOrder(ladder, servers)
    const exceededBudget = budgets.find(({ cap }) => cheapest !== null && cheapest.minor > cap.minor)
    if (!exceededBudget || !cheapest) return []
    const message = `is never bought: its cheapest order costs ${sayMoney(cheapest)}, and ${exceededBudget.key} allows ${sayMoney(exceededBudget.cap)}`
    return [{ id: "unreachable-rung", path, message }]
  })
}

function cheapestOrder(ladder: Policy["ladder"], to: number): Money | null {
  const costs = ordersTo(ladder, to)
  return costs.reduce<Money | null>(
    (cheapest, cost) => (cheapest && cheapest.minor <= cost.minor ? cheapest : cost),
    null,
  )
}

function ordersTo(ladder: Policy["ladder"], to: number): Money[] {
  return ladder
    .filter(({ servers }) => servers < to)
    .flatMap(({ servers: from }) => orderCost(ladder, from, to) ?? [])
}

function capsAboveFleet({ limits, fleet }: Policy): LintFinding[] {
  const found: LintFinding[] = []
  if (limits.budget && fleet?.budget && isLooser(limits.budget, fleet.budget)) {
    const message = `is never reached: fleet.budget (${sayBudget(fleet.budget)}) always applies first`
    found.push({ id: "cap-above-cap", path: ["limits", "budget"], message })
  }
  const cap = fleet?.actions
  if (cap && limits.actions.count > cap.count && limits.actions.perMs <= cap.perMs) {
    const message = `is never reached: fleet.actions (${cap.count} per ${sayDuration(cap.perMs)}) always applies first`
    found.push({ id: "cap-above-cap", path: ["limits", "actions"], message })
  }
  return found
}

/**
 * True if `own` allows more money than `fleet` in a window that is not longer. A calendar month is compared
 * only with a calendar month.
 */
function isLooser(own: Budget, fleet: Budget): boolean {
  if (own.currency !== fleet.currency || own.minor <= fleet.minor) return false
  if (own.per === "month" || fleet.per === "month") return own.per === fleet.per
  return own.per <= fleet.per
}

/** Warns about fleet caps that the supernodes' own caps together never reach. */
export function lintFleet(policies: readonly Policy[]): LintFinding[] {
  const [first] = policies
  if (!first?.fleet) return []
  const { actions, budget } = first.fleet
  const found: LintFinding[] = []
  const rates = policies.map(({ limits }) => limits.actions)
  const allowed = rates.reduce((sum, { count }) => sum + count, 0)
  if (actions && rates.every(({ perMs }) => perMs >= actions.perMs) && allowed <= actions.count) {
    const message = `is never reached: limits.actions of all supernodes together allow only ${counted(allowed, "purchase")}`
    found.push({ id: "cap-above-cap", path: ["fleet", "actions"], message })
  }
  const budgets = policies.map(({ limits }) => limits.budget)
  const sum = budgets.reduce((total, cap) => total + (cap?.minor ?? Number.POSITIVE_INFINITY), 0)
  if (budget && budgets.every((cap) => cap?.per === budget.per) && sum <= budget.minor) {
    const message = `is never reached: limits.budget of all supernodes together allow only ${sayMoney({ minor: sum, currency: budget.currency })}`
    found.push({ id: "cap-above-cap", path: ["fleet", "budget"], message })
  }
  return found
}

function sayBudget({ per, ...money }: Budget): string {
  return `${sayMoney(money)} per ${per === "month" ? "month" : sayDuration(per)}`
}

function approvalNeverAsked({ ladder, limits, approval }: Policy): LintFinding[] {
  if (!approval) return []
  const allowed = ladder.filter(({ servers }) => servers <= limits.servers)
  const costs = allowed.flatMap(({ servers }) => ordersTo(ladder, servers))
  const dearest = Math.max(...costs.map(({ minor }) => minor))
  if (costs.length === 0 || dearest > approval.above.minor) return []
  const message = `is never reached: the most expensive order costs ${sayMoney({ minor: dearest, currency: approval.above.currency })}, so no purchase needs approval`
  return [{ id: "approval-never-asked", path: ["approval", "above"], message }]
}

function unknownCurrency({ ladder, limits, approval }: Policy): LintFinding[] {
  const places = [
    ...ladder.map(({ price }, i) => ({ path: ["ladder", i, "price"], money: price })),
    { path: ["limits", "budget"], money: limits.budget },
    { path: ["approval", "above"], money: approval?.above ?? null },
  ]
  return places.flatMap(({ path, money }): LintFinding[] => {
    if (money === null || isListedCurrency(money.currency)) return []
    const message = `is ${money.currency}, which ISO 4217 does not list: did you mean CNY?`
    return [{ id: "unknown-currency", path: [...path, "currency"], message }]
  })
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`
}
