import { counted, sayDuration } from "../policy/amounts.ts"
import { type Money, sayMoney } from "../policy/money.ts"
import type { Budget, Policy } from "../policy/policy.ts"
import { orderCost } from "./cost.ts"

// The most that a policy can ever cause, from its caps alone. A condition that a person can undo is no bound:
// servers may be deleted and bought again, and a person may bypass the cooldown. Only two actions exceed it:
// settling an accepted order as `absent`, and changing the policy.

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/**
 * A day is any 24 hours. A month is a calendar month in the policy's zone: 31 days, and the extra hour in
 * autumn.
 */
const BILL_WINDOWS = { day: DAY_MS, month: 31 * DAY_MS + HOUR_MS } as const
export type BillWindow = keyof typeof BILL_WINDOWS

export interface Most {
  purchases: number
  /** null: no budget caps it, and a rung that may be bought has no price. */
  spend: Money | null
  /** The deciding cap with its arithmetic, for people. */
  says: string
}

/** A bound on money, and its derivation. */
interface Bound {
  money: Money
  says: string
}

/** The most expensive order that may be placed. */
interface Order {
  money: Money
  from: number
  to: number
}

/** Bounds of one supernode or of all in a file. */
export type WorstCase = Record<BillWindow, Most>

/** The most that one supernode can buy, whatever alarms, schedules, approvers and people do. */
export function worstCase(policy: Policy): WorstCase {
  return { day: mostIn("day", policy), month: mostIn("month", policy) }
}

/** The same for all supernodes of a file, its `fleet` caps included. */
export function worstCaseOfAll(policies: readonly Policy[]): WorstCase {
  return { day: mostOfAll("day", policies), month: mostOfAll("month", policies) }
}

const UNKNOWN = "no budget caps the cost, and an allowed rung has no price"

function mostIn(window: BillWindow, policy: Policy): Most {
  const { actions, budget } = policy.limits
  const purchases = countUnder(actions, window)
  const rate = { key: "limits.actions", cap: actions, window }
  const bought = boughtFor(dearestOrder(policy), purchases, sayRate(rate))
  const capped = budget && budgetBound(budget, { key: "limits.budget", window })
  return mostOf(purchases, lower(bought, capped))
}

function mostOf(purchases: number, bound: Bound | null): Most {
  return { purchases, spend: bound?.money ?? null, says: bound?.says ?? UNKNOWN }
}

function mostOfAll(window: BillWindow, policies: readonly Policy[]): Most {
  const each = policies.map((policy) => mostIn(window, policy))
  const [only] = each
  const fleet = policies[0]?.fleet ?? null
  const sum = each.reduce((count, { purchases }) => count + purchases, 0)
  const allowed = fleet?.actions ? countUnder(fleet.actions, window) : sum
  const purchases = Math.min(sum, allowed)
  const added = addedUp(each)
  const dearest = dearestOfAll(policies)
  const rate = fleet?.actions ? sayRate({ key: "fleet.actions", cap: fleet.actions, window }) : null
  const bought = rate === null ? null : boughtFor(dearest, purchases, rate)
  const capped = fleet?.budget ? budgetBound(fleet.budget, { key: "fleet.budget", window }) : null
  const own = each.length === 1 && only ? boundOf(only) : added
  return mostOf(purchases, lower(lower(own, bought), capped))
}

function boundOf({ spend, says }: Most): Bound | null {
  return spend && { money: spend, says }
}

/** Sum of all supernodes; null if one of them is not known. */
function addedUp(each: readonly Most[]): Bound | null {
  const spends = each.flatMap(({ spend }) => spend ?? [])
  const [first] = spends
  if (!first || spends.length < each.length) return null
  const money = { ...first, minor: spends.reduce((sum, { minor }) => sum + minor, 0) }
  return { money, says: `the sum of ${counted(each.length, "supernode")}` }
}

function dearestOfAll(policies: readonly Policy[]): Order | null {
  const orders = policies.map(dearestOrder)
  const known = orders.filter((order) => order !== null)
  return known.length < orders.length ? null : dearestOf(known)
}

function dearestOf(orders: readonly Order[]): Order | null {
  return orders.reduce<Order | null>(
    (most, order) => (most && most.money.minor >= order.money.minor ? most : order),
    null,
  )
}

/** Bound for this number of purchases, each at the price of `order`; null without an order. */
function boughtFor(order: Order | null, purchases: number, rate: string): Bound | null {
  if (!order) return null
  const { money, from, to } = order
  const step =
    from === to ? "orders that cost nothing" : `${sayMoney(money)} for ${from} -> ${counted(to, "server")}`
  return {
    money: { ...money, minor: money.minor * purchases },
    says: `${counted(purchases, "purchase")} (${rate}) of ${step}`,
  }
}

interface CapOf {
  key: string
  window: BillWindow
}

/** `limits.actions: 2 per 1d, 32 times in a month`. */
function sayRate({ key, cap, window }: CapOf & { cap: Policy["limits"]["actions"] }): string {
  const times = Math.ceil(BILL_WINDOWS[window] / cap.perMs)
  return `${key}: ${cap.count} per ${sayDuration(cap.perMs)}${sayTimes(times, window)}`
}

function budgetBound(budget: Budget, { key, window }: CapOf): Bound {
  const { minor, currency, per } = budget
  const times = spansOf(budget, window)
  const cap = `${sayMoney({ minor, currency })} per ${per === "month" ? "month" : sayDuration(per)}`
  const money = { minor: minor * times, currency }
  return { money, says: `${key}: ${cap}${sayTimes(times, window)}` }
}

function sayTimes(times: number, window: BillWindow): string {
  return times === 1 ? "" : `, ${counted(times, "time")} in a ${window}`
}

/** At most N in any span of length D: each of the spans that cover the window can hold N. */
function countUnder({ count, perMs }: Policy["limits"]["actions"], window: BillWindow): number {
  return count * Math.ceil(BILL_WINDOWS[window] / perMs)
}

/** A day can span two calendar months, each with its own budget. */
function spansOf({ per }: Budget, window: BillWindow): number {
  if (per !== "month") return Math.ceil(BILL_WINDOWS[window] / per)
  return window === "month" ? 1 : 2
}

/** The most expensive step of the ladder within the limit; null if a rung that may be bought has no price. */
function dearestOrder({ ladder, limits, approval, fleet }: Policy): Order | null {
  const rungs = ladder.filter(({ servers }) => servers <= limits.servers)
  // With a cap on money, a rung without a price is never bought.
  const isCapped = limits.budget !== null || approval !== null || Boolean(fleet?.budget)
  const steps = rungs.flatMap(({ servers: to }) =>
    ladder.filter(({ servers: from }) => from < to).map(({ servers: from }) => ({ from, to })),
  )
  const orders = steps.flatMap(({ from, to }): Order[] => {
    const money = orderCost(ladder, from, to)
    return money ? [{ money, from, to }] : []
  })
  if (orders.length < steps.length && !isCapped) return null
  const currency = ladder.find(({ price }) => price !== null)?.price?.currency ?? limits.budget?.currency
  const none = currency === undefined ? null : { money: { minor: 0, currency }, from: 0, to: 0 }
  return dearestOf(orders) ?? none
}

/** The lower of two bounds; null means no bound. */
function lower(one: Bound | null, other: Bound | null): Bound | null {
  if (!one || !other) return one ?? other
  return one.money.minor <= other.money.minor ? one : other
}
