import { purchasesWithin } from "../../../lib/decision/money/cost.ts"
import {
  purchasesSince,
  sayWindow,
  type WindowLength,
  windowStart,
} from "../../../lib/decision/money/window.ts"
import { type Amount, amountOf } from "../../../lib/decision/policy/money.ts"
import type { Budget, Policy } from "../../../lib/decision/policy/policy.ts"
import { sayDuration } from "../../../lib/decision/policy/units.ts"
import type { Purchase } from "../../../lib/decision/state/purchases.ts"

// What is left of a cap: of one supernode's by its own purchases, of the fleet's by everybody's.

export interface RateUse {
  used: number
  allowed: number
  left: number
  perMs: number
}

/** `since`: the first instant that counts; `window`: `in 30d` or `in 2026-11 (Asia/Shanghai)`. */
export interface BudgetUse {
  spent: Amount
  cap: Amount
  left: Amount
  per: WindowLength
  since: number
  window: string
}

export function rateUse(
  { count, perMs }: Policy["limits"]["actions"],
  purchases: Purchase[],
  now: number,
): RateUse {
  const used = purchasesWithin({ purchases }, now, perMs).length
  return { used, allowed: count, left: Math.max(0, count - used), perMs }
}

export function budgetUse(
  { currency, minor: cap, per }: Budget,
  purchases: Purchase[],
  { timezone, now }: { timezone: string; now: number },
): BudgetUse {
  const since = windowStart(per, timezone, now)
  const window = sayWindow(per, timezone, now)
  const spent = purchasesSince(purchases, since).reduce((sum, { cost }) => sum + (cost?.minor ?? 0), 0)
  const money = (minor: number): Amount => amountOf({ minor, currency })
  return { spent: money(spent), cap: money(cap), left: money(Math.max(0, cap - spent)), per, since, window }
}

export function sayRateUse({ used, allowed, perMs, left }: RateUse): string {
  return `${used} of ${allowed} in ${sayDuration(perMs)}, ${left} left`
}

export function sayBudgetUse(budget: BudgetUse | null): string {
  if (!budget) return "none"
  const [spent, cap, left] = [budget.spent, budget.cap, budget.left].map(
    ({ amount, currency }) => `${amount} ${currency}`,
  )
  return `${spent} of ${cap} ${budget.window}, ${left} left`
}
