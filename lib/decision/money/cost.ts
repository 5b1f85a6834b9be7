import type { Money } from "../policy/money.ts"
import type { Rung } from "../policy/policy.ts"
import type { Purchase } from "../state/purchases.ts"

/**
 * Cost of an order from one rung to another over the committed periods: price(target) − price(current), or
 * price(target) if current has none or another period. Never below zero; null if target has none.
 */
export function orderCost(ladder: Rung[], from: number, to: number): Money | null {
  const target = ladder.find((rung) => rung.servers === to)?.price
  if (!target) return null
  const current = ladder.find((rung) => rung.servers === from)?.price
  const paid = current && current.per === target.per ? current.minor : 0
  return { minor: Math.max(0, target.minor - paid) * target.periods, currency: target.currency }
}

/** Purchases requested within the window that ends now: reserved and booked alike. */
export function purchasesWithin(
  { purchases }: { purchases: readonly Purchase[] },
  now: number,
  windowMs: number,
): Purchase[] {
  return purchases.filter((purchase) => purchase.at > now - windowMs)
}
