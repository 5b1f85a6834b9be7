import type { Money } from "../policy/money.ts"

/** What the billing service says of an order: `order_info` of its details. */
export interface CloudOrder {
  /** `status`: 1 pending review, 3 processing, 4 cancelled, 5 completed, 6 pending payment, 9 to be confirmed. */
  status: number
  /** `amount_after_discount` in `currency`; null where it was absent or in another unit. */
  amount: Money | null
}

/** The newest accepted order as it was last read. At most one per supernode. */
export interface OrderRecord {
  attempt: string
  orderId: string
  /** null: it cannot be read, `why` tells the reason, and it is not asked for again. */
  status: number | null
  why?: string
  amount: Money | null
  /** The price that was planned; null without one. */
  planned: Money | null
  /** When it was first read in this state, epoch milliseconds. */
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

/** Nothing more will become of it, or nothing more can be known. */
export function isFinal({ status }: OrderRecord): boolean {
  return status === null || status === CANCELLED || status === COMPLETED
}

/** False where one of the amounts is not known. Amounts in different currencies differ. */
export function differsFromPlan({ amount, planned }: OrderRecord): boolean {
  if (amount === null || planned === null) return false
  return amount.currency !== planned.currency || amount.minor !== planned.minor
}

/** Does it say anything that is not on record? */
export function isOrderNews(before: OrderRecord | undefined, now: OrderRecord): boolean {
  if (before?.attempt !== now.attempt || before.status !== now.status) return true
  return before.amount?.minor !== now.amount?.minor || before.amount?.currency !== now.amount?.currency
}
