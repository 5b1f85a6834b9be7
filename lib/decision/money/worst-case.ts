import type { Money } from "../policy/money.ts"
import type { Budget, Policy } from "../policy/policy.ts"
import { orderCost } from "./cost.ts"

// The most that a policy can ever cause, from its caps alone. Nothing that somebody can undo counts as a bound: servers may
// be deleted by hand and bought again, and a person may bypass the cooldown. Only who says `absent` of an order that was
// taken, or changes the policy, gets beyond it.

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** A day is any 24 hours. A month is a calendar month in the policy's zone: 31 days, and the hour that autumn adds. */
export const BILL_WINDOWS = { day: DAY_MS, month: 31 * DAY_MS + HOUR_MS } as const
export type BillWindow = keyof typeof BILL_WINDOWS

export interface Most {
  purchases: number
  /** null: no budget caps it, and a rung that may be bought has no price. */
  spend: Money | null
}

/** What one supernode or all of a file can come to. */
export type WorstCase = Record<BillWindow, Most>

/** The most that one supernode can buy, whatever the alarms, schedules, approvers and people do. */
export function worstCase(policy: Policy): WorstCase {
  return { day: mostIn("day", policy), month: mostIn("month", policy) }
}

/** The same for all supernodes of a file, its `fleet` caps included. */
export function worstCaseOfAll(policies: readonly Policy[]): WorstCase {
  return { day: mostOfAll("day", policies), month: mostOfAll("month", policies) }
}

function mostIn(window: BillWindow, policy: Policy): Most {
  const { actions, budget } = policy.limits
  const purchases = countUnder(actions, window)
  const dearest = dearestOrder(policy)
  const bought = dearest && times(dearest, purchases)
  return { purchases, spend: lower(bought, budget && spendUnder(budget, window)) }
}

function mostOfAll(window: BillWindow, policies: readonly Policy[]): Most {
  const each = policies.map((policy) => mostIn(window, policy))
  const fleet = policies[0]?.fleet ?? null
  const sum = each.reduce((count, { purchases }) => count + purchases, 0)
  const allowed = fleet?.actions ? countUnder(fleet.actions, window) : sum
  const purchases = Math.min(sum, allowed)
  const dearest = total(policies.map(dearestOrder), (a, b) => (a.minor >= b.minor ? a : b))
  const added = total(
    each.map(({ spend }) => spend),
    (a, b) => ({ ...a, minor: a.minor + b.minor }),
  )
  const bought = lower(added, dearest && times(dearest, purchases))
  return { purchases, spend: lower(bought, fleet?.budget ? spendUnder(fleet.budget, window) : null) }
}

/** At most N in any stretch as long as D: as many stretches as it takes to cover the window hold N each. */
function countUnder({ count, perMs }: Policy["limits"]["actions"], window: BillWindow): number {
  return count * Math.ceil(BILL_WINDOWS[window] / perMs)
}

/** A day may lie astride two calendar months, and each has its own budget. */
function spendUnder({ per, minor, currency }: Budget, window: BillWindow): Money {
  const stretches = per !== "month" ? Math.ceil(BILL_WINDOWS[window] / per) : window === "month" ? 1 : 2
  return { minor: minor * stretches, currency }
}

/** The dearest step of the ladder within the limit; null where one that may be bought has no price. */
function dearestOrder({ ladder, limits, approval, fleet }: Policy): Money | null {
  const rungs = ladder.filter(({ servers }) => servers <= limits.servers)
  // With a cap on money, what has no price is not bought at all.
  const isCapped = limits.budget !== null || approval !== null || Boolean(fleet?.budget)
  const costs = rungs.flatMap(({ servers: to }) =>
    ladder.filter(({ servers: from }) => from < to).map(({ servers: from }) => orderCost(ladder, from, to)),
  )
  const known = costs.filter((cost) => cost !== null)
  if (known.length < costs.length && !isCapped) return null
  const currency = ladder.find(({ price }) => price !== null)?.price?.currency ?? limits.budget?.currency
  const none = currency === undefined ? null : { minor: 0, currency }
  return known.reduce<Money | null>((most, cost) => (most && most.minor >= cost.minor ? most : cost), none)
}

function times({ minor, currency }: Money, count: number): Money {
  return { minor: minor * count, currency }
}

/** The lower of two bounds; null is none. */
function lower(one: Money | null, other: Money | null): Money | null {
  if (!one || !other) return one ?? other
  return one.minor <= other.minor ? one : other
}

/** All of them together; null as soon as one is not known. */
function total(all: readonly (Money | null)[], join: (a: Money, b: Money) => Money): Money | null {
  const known = all.filter((one) => one !== null)
  const [first, ...rest] = known
  return first && known.length === all.length ? rest.reduce(join, first) : null
}
