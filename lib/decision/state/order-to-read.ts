import { isFinal, type OrderRecord } from "./order.ts"
import type { SupernodeState } from "./state.ts"

const DAY_MS = 86_400_000
/** Time after the newest change during which the order is still read, even once the servers run. */
const WATCH_MS = 7 * DAY_MS
/** The same for an order that no read has shown so far: rights may be granted later. */
const WATCH_UNREADABLE_MS = DAY_MS

/** An order to read from the billing service. */
export type OrderToRead = Pick<OrderRecord, "attempt" | "orderId" | "planned">

/** The order of the attempt in flight, else the newest one on record; null if it is final or was read for long enough. */
export function orderToRead({ attempt, order }: SupernodeState, now: number): OrderToRead | null {
  if (attempt?.orderId && order?.attempt !== attempt.id)
    return { attempt: attempt.id, orderId: attempt.orderId, planned: attempt.cost }
  if (!order || (attempt && order.attempt !== attempt.id) || !isWatched(order, now)) return null
  return { attempt: order.attempt, orderId: order.orderId, planned: order.planned }
}

/** False once the order is final, or if no read has shown anything new for a long time. */
export function isWatched(order: OrderRecord, now: number): boolean {
  if (isFinal(order)) return false
  return Math.abs(now - order.at) < (order.status === null ? WATCH_UNREADABLE_MS : WATCH_MS)
}
