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
  /** null: no read has shown it so far. */
  status: number | null
  /** Reason why it cannot be read, and the kind of that reason; only with status null. */
  why?: string
  unreadable?: UnreadableOrder
  amount: Money | null
  /** The planned price; null without one. */
  planned: Money | null
  /** Time of the first reading in this state, epoch milliseconds. */
  at: number
}

/** `no-answer`: no answer, or a server error · `refused`: not found, or not readable · `no-right`: the keys may not read it. */
export type UnreadableOrder = "no-answer" | "refused" | "no-right"

/** A later reason is recorded only if its rank is higher: alternating reasons must not fill the ledger. */
const RANKS: readonly (UnreadableOrder | undefined)[] = [undefined, "no-answer", "refused", "no-right"]

const PENDING_REFUND = 2
const CANCELLED = 4
const COMPLETED = 5
const PENDING_PAYMENT = 6
/** Pending review, processing, completed, to be confirmed: nothing is wrong with the order. */
const REGULAR: readonly number[] = [1, 3, COMPLETED, 9]

export function isUnpaid({ status }: OrderRecord): boolean {
  return status === PENDING_PAYMENT
}

/** Cancelled, or its money is refunded. */
export function isTakenBack({ status }: OrderRecord): boolean {
  return status === CANCELLED || status === PENDING_REFUND
}

/** The billing service may name statuses that its documentation does not. */
export function hasUnknownStatus(order: OrderRecord): boolean {
  const { status } = order
  return status !== null && !REGULAR.includes(status) && !isUnpaid(order) && !isTakenBack(order)
}

/** True if the order's status can no longer change. */
export function isFinal({ status }: OrderRecord): boolean {
  return status === CANCELLED || status === COMPLETED
}

/** False if one of the amounts is not known. Amounts in different currencies differ. */
export function differsFromPlan({ amount, planned }: OrderRecord): boolean {
  if (amount === null || planned === null) return false
  return amount.currency !== planned.currency || amount.minor !== planned.minor
}

/** True if the reading differs from the recorded one. */
export function isOrderNews(before: OrderRecord | undefined, now: OrderRecord): boolean {
  if (before?.attempt !== now.attempt || before.status !== now.status) return true
  if (now.status === null) return RANKS.indexOf(now.unreadable) > RANKS.indexOf(before.unreadable)
  return before.amount?.minor !== now.amount?.minor || before.amount?.currency !== now.amount?.currency
}
