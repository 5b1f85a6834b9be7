import { sayMoney } from "../policy/money.ts"
import {
  differsFromPlan,
  hasUnknownStatus,
  isTakenBack,
  isUnpaid,
  type OrderRecord,
  type UnreadableOrder,
} from "../state/order.ts"
import { isWatched } from "../state/order-to-read.ts"
import { operatorCommand } from "./operator-command.ts"

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

/** `order CS… is pending payment, 120000 CNY; 100000 CNY was planned`. */
export function sayOrder(order: OrderRecord): string {
  const { orderId, status, amount, planned, why = "no reason is on record" } = order
  if (status === null) return `order ${orderId} cannot be read: ${why}`
  const name = STATUS_NAMES[status] ?? `in status ${status}`
  const price = amount === null ? "" : `, ${sayMoney(amount)}`
  const plan = differsFromPlan(order) && planned !== null ? `; ${sayMoney(planned)} was planned` : ""
  return `order ${orderId} is ${name}${price}${plan}`
}

/** An order may be unknown to the billing service for some minutes after it was placed. */
const UNREADABLE_GRACE_MS = 30 * 60_000
/** Maximum age of an order's state to notify of, if it is notified once. */
const NEWS_MS = 3 * 86_400_000

const READ_ADVICE: Readonly<Record<UnreadableOrder, string>> = {
  "no-right": "Grant the keys the permission to view orders",
  refused: "Check that SUPERNODE_BSS_ENDPOINT names the billing service of your account's site",
  "no-answer": "Check the connection to the billing service",
}

export interface OrderTrouble {
  state: "order-unpaid" | "order-differs" | "order-unreadable"
  says: string
}

/** Problem with an order, and what operators must do; `null` if there is nothing to notify of. */
export function orderTrouble(order: OrderRecord, now: number): OrderTrouble | null {
  const says = sayOrder(order)
  if (isUnpaid(order) && isWatched(order, now))
    return {
      state: "order-unpaid",
      says: `${says}. Pay it in the Billing Center, or cancel it and settle the attempt`,
    }
  const ageMs = Math.abs(now - order.at)
  if (isUnpaid(order) || ageMs > NEWS_MS) return null
  if (order.status === null) return ageMs < UNREADABLE_GRACE_MS ? null : unreadableOrder(order, says)
  const trouble = differenceOf(order)
  return trouble === null ? null : { state: "order-differs", says: `${says}${trouble}` }
}

function unreadableOrder({ unreadable = "refused" }: OrderRecord, says: string): OrderTrouble {
  const until = "Until then, check the order in the Billing Center: an unpaid order delivers no servers"
  return { state: "order-unreadable", says: `${says}. ${READ_ADVICE[unreadable]}. ${until}` }
}

function differenceOf(order: OrderRecord): string | null {
  if (isTakenBack(order)) return ", although the cloud accepted the purchase"
  if (hasUnknownStatus(order))
    return `, which is not a known status. Check the order in the Billing Center, and the servers with \`${operatorCommand.statusAll}\``
  return differsFromPlan(order)
    ? ". Correct the price in the policy's ladder: budgets count the planned price"
    : null
}
