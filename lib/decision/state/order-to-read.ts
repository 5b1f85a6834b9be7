import { isFinal, isUnpaid, type OrderRecord } from "./order.ts"
import type { SupernodeState } from "./state.ts"

/** Time for which an order that awaits payment is followed. */
const WATCH_UNPAID_MS = 7 * 86_400_000

/** An order to read from the billing service. */
export type OrderQuestion = Pick<OrderRecord, "attempt" | "orderId" | "planned">

/**
 * The order of the attempt in flight until it is final, or one that still awaits payment; null if there is
 * none.
 */
export function orderToRead({ attempt, order }: SupernodeState, now: number): OrderQuestion | null {
  const known = attempt && order?.attempt === attempt.id ? order : null
  if (attempt?.orderId && (known === null || !isFinal(known)))
    return { attempt: attempt.id, orderId: attempt.orderId, planned: attempt.cost }
  const isWatched = !attempt && order && isUnpaid(order) && Math.abs(now - order.at) < WATCH_UNPAID_MS
  return isWatched ? { attempt: order.attempt, orderId: order.orderId, planned: order.planned } : null
}
