import { budgetUse } from "../../../lib/decision/money/cap-use.ts"
import { leavesWindowAt } from "../../../lib/decision/money/window.ts"
import { sayDuration } from "../../../lib/decision/policy/amounts.ts"
import { amountOf } from "../../../lib/decision/policy/money.ts"
import { KEEP_PURCHASES_MS, type Purchase } from "../../../lib/decision/state/purchases.ts"
import type { SupernodeState } from "../../../lib/decision/state/state.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import { budgetsOf, type PoliciesInForce } from "./policies-in-force.ts"
import type { Spend } from "./report.ts"

const DAY_MS = 86_400_000

/** Purchases that may have cost money, and their sum in the budget's window. */
export class PurchaseSpend {
  readonly #purchases = new Map<string, Purchase>()

  add({ at, kind, standing }: LedgerEntry): void {
    // A decision without an attempt changes no purchase.
    if (kind === "decided" && this.#purchases.size > 0) return
    const { purchases } = standing as SupernodeState
    const currentAttempts = new Set(purchases.map(({ attempt }) => attempt))
    // A purchase that left the state early cost nothing, such as a rejected order. One that left because of its
    // age cost money, and is kept.
    for (const [attempt, purchase] of this.#purchases)
      if (!currentAttempts.has(attempt) && at - purchase.at < KEEP_PURCHASES_MS - DAY_MS)
        this.#purchases.delete(attempt)
    for (const purchase of purchases) this.#purchases.set(purchase.attempt, purchase)
  }

  within({ from, to }: { from: number; to: number }): Purchase[] {
    return [...this.#purchases.values()].filter(({ at }) => at >= from && at <= to)
  }

  /** True if a purchase that was requested at that time counts. */
  has(requestedAt: number): boolean {
    return [...this.#purchases.values()].some(({ at }) => at === requestedAt)
  }

  /** Spend over time; `null` if no purchase has a price and no budget is set. */
  spend(policies: PoliciesInForce, range: { from: number; to: number }): Spend | null {
    const purchases = [...this.#purchases.values()].filter(({ at }) => at <= range.to)
    const newest = policies.newest
    const currency = purchases.find(({ cost }) => cost)?.cost?.currency ?? newest?.limits.budget?.currency
    if (currency === undefined) return null
    const times = timesOf(purchases, policies, range)
    const amounts = times.map((at) => amountAt({ at, purchases, policies, from: range.from }))
    const per = newest?.limits.budget?.per
    return {
      currency,
      window: per === undefined ? "since the start" : `per ${per === "month" ? "month" : sayDuration(per)}`,
      at: times,
      amount: amounts,
      budget: budgetsOf(policies, range),
      unpriced: this.within(range).filter(({ cost }) => cost === null).length,
    }
  }
}

/** All times at which the sum may change, and the start and the end. */
function timesOf(
  purchases: readonly Purchase[],
  policies: PoliciesInForce,
  { from, to }: { from: number; to: number },
): number[] {
  const changes = purchases.flatMap(({ at }) => {
    const policy = policies.at(at)
    const per = policy?.limits.budget?.per
    return policy && per !== undefined ? [at, leavesWindowAt(per, policy.timezone, at)] : [at]
  })
  const all = [from, ...changes, ...policies.all.map(({ since }) => since), to]
  return [...new Set(all.filter((at) => at >= from && at <= to))].sort((a, b) => a - b)
}

interface At {
  at: number
  purchases: readonly Purchase[]
  policies: PoliciesInForce
  from: number
}

function amountAt({ at, purchases, policies, from }: At): number {
  const policy = policies.at(at)
  const earlier = purchases.filter((purchase) => purchase.at <= at)
  const budget = policy?.limits.budget
  if (policy && budget) return budgetUse(budget, earlier, { timezone: policy.timezone, now: at }).spent.amount
  const minor = earlier.reduce((sum, one) => sum + (one.at >= from ? (one.cost?.minor ?? 0) : 0), 0)
  return amountOf({ minor, currency: "" }).amount
}
