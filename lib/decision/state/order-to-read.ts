import { isFinal, isUnpaid, type OrderRecord } from "./order.ts"
import type { SupernodeState } from "./state.ts"

/** An order is watched for so long while it awaits payment. */
const WATCH_UNPAID_MS = 7 * 86_400_000

/** An order to ask the billing service about. */
export type OrderQuestion = Pick<OrderRecord, "attempt" | "orderId" | "planned">

/** The order of the attempt in flight until it is final, and one that still awaits payment; null where there is none. */
export function orderToRead({ attempt, order }: SupernodeState, now: number): OrderQuestion | null {
  const known = attempt && order?.attempt === attempt.id ? order : null
  if (attempt?.orderId && (known === null || !isFinal(known)))
    return { attempt: attempt.id, orderId: attempt.orderId, planned: attempt.cost }
  const isWatched = !attempt && order && isUnpaid(order) && Math.abs(now - order.at) < WATCH_UNPAID_MS
  return isWatched ? { attempt: order.attempt, orderId: order.orderId, planned: order.planned } : null
}
