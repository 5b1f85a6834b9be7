import type { Money } from "../policy/money.ts"

/** State of an order in the billing service: `order_info` of its details. */
export interface CloudOrder {
  /** `status`: 1 pending review, 3 processing, 4 cancelled, 5 completed, 6 pending payment, 9 to be confirmed. */
  status: number
  /** `amount_after_discount` in `currency`; null if it was absent or in another unit. */
  amount: Money | null
}

/** The newest accepted order at its last reading. At most one per supernode. */
export interface OrderRecord {
  attempt: string
  orderId: string
  /** null: it cannot be read, `why` gives the reason, and it is not read again. */
  status: number | null
  why?: string
  amount: Money | null
  /** The planned price; null without one. */
  planned: Money | null
  /** Time of the first reading in this state, epoch milliseconds. */
  at: number
}

const CANCELLED = 4
const COMPLETED = 5
const PENDING_PAYMENT = 6

export function isUnpaid({ status }: OrderRecord): boolean {
  return status === PENDING_PAYMENT
}

export function isCancelled({ status }: OrderRecord): boolean {
  return status === CANCELLED
}

/** True if the order cannot change any more, or cannot be read any more. */
export function isFinal({ status }: OrderRecord): boolean {
  return status === null || status === CANCELLED || status === COMPLETED
}

/** False if one of the amounts is not known. Amounts in different currencies differ. */
export function differsFromPlan({ amount, planned }: OrderRecord): boolean {
  if (amount === null || planned === null) return false
  return amount.currency !== planned.currency || amount.minor !== planned.minor
}

/** True if the reading differs from the recorded one. */
export function isOrderNews(before: OrderRecord | undefined, now: OrderRecord): boolean {
  if (before?.attempt !== now.attempt || before.status !== now.status) return true
  return before.amount?.minor !== now.amount?.minor || before.amount?.currency !== now.amount?.currency
}
