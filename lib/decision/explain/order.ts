import { sayMoney } from "../policy/money.ts"
import { differsFromPlan, isCancelled, isUnpaid, type OrderRecord } from "../state/order.ts"

/** Names of `order_info.status` (BSS, order details). */
const STATUS_NAMES: Readonly<Record<number, string>> = {
  1: "pending review",
  2: "pending refund",
  3: "processing",
  4: "cancelled",
  5: "completed",
  6: "pending payment",
  9: "to be confirmed",
}

/** `order CS… is pending payment, 120000 CNY where 100000 CNY were planned`. */
export function sayOrder(order: OrderRecord): string {
  const { orderId, status, amount, planned, why = "no reason is on record" } = order
  if (status === null) return `order ${orderId} cannot be read: ${why}`
  const name = STATUS_NAMES[status] ?? `in status ${status}`
  const price = amount === null ? "" : `, ${sayMoney(amount)}`
  const plan = differsFromPlan(order) && planned !== null ? ` where ${sayMoney(planned)} were planned` : ""
  return `order ${orderId} is ${name}${price}${plan}`
}

/** Problem of an order that a person must act on; null if the order is as planned. */
export function orderTrouble(
  order: OrderRecord,
): { state: "order-unpaid" | "order-differs"; says: string } | null {
  const says = sayOrder(order)
  if (isUnpaid(order))
    return {
      state: "order-unpaid",
      says: `${says}. Pay it in the Billing Center, or cancel it and settle the attempt`,
    }
  if (isCancelled(order)) return { state: "order-differs", says: `${says}, though the purchase was accepted` }
  if (differsFromPlan(order))
    return {
      state: "order-differs",
      says: `${says}. Correct the price in the policy's ladder: budgets count the planned one`,
    }
  return null
}
