import { type Amount, amountOf } from "../policy/money.ts"
import type { Budget, Policy } from "../policy/policy.ts"
import type { Purchase } from "../state/purchases.ts"
import { purchasesWithin } from "./cost.ts"
import { purchasesSince, sayWindow, type WindowLength, windowStart } from "./window.ts"

// Remainder of a cap. A supernode's cap counts its own purchases; the fleet's cap counts those of all supernodes.

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
  purchases: readonly Purchase[],
  now: number,
): RateUse {
  const used = purchasesWithin({ purchases }, now, perMs).length
  return { used, allowed: count, left: Math.max(0, count - used), perMs }
}

export function budgetUse(
  { currency, minor: cap, per }: Budget,
  purchases: readonly Purchase[],
  { timezone, now }: { timezone: string; now: number },
): BudgetUse {
  const since = windowStart(per, timezone, now)
  const window = sayWindow(per, timezone, now)
  const spent = purchasesSince(purchases, since).reduce((sum, { cost }) => sum + (cost?.minor ?? 0), 0)
  const money = (minor: number): Amount => amountOf({ minor, currency })
  return { spent: money(spent), cap: money(cap), left: money(Math.max(0, cap - spent)), per, since, window }
}
