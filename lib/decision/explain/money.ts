import { purchasesWithin } from "../money/cost.ts"
import { fleetPurchases } from "../money/fleet-spend.ts"
import { leavesWindowAt, purchasesSince, windowStart } from "../money/window.ts"
import { counted, sayDuration } from "../policy/amounts.ts"
import { amountOf, type Money, sayMoney } from "../policy/money.ts"
import type { Budget, Policy } from "../policy/policy.ts"
import type { Situation } from "../situation.ts"
import type { Purchase } from "../state/purchases.ts"
import { sayTime } from "../verdict.ts"
import { combineHints, type Hint, wait, withLastWait } from "./change.ts"
import type { HintInputs } from "./hint-maker.ts"

// The supernode's own cap and the fleet's can fail together; then the hint must satisfy both.

type Rate = Policy["limits"]["actions"]

interface Capped<Cap> {
  cap: Cap
  /** Key of the cap in the policy file. */
  path: string
  purchases: Purchase[]
}

/** Caps that the policy has, without the fleet's if other supernodes' purchases were not read. */
function capsOf<Cap>(
  situation: Situation,
  { key, own, fleet }: { key: string; own: Cap | null; fleet: Cap | null },
): Capped<Cap>[] {
  const all = fleetPurchases(situation)
  return [
    ...(own ? [{ cap: own, path: `limits.${key}`, purchases: situation.state.purchases }] : []),
    ...(fleet && all ? [{ cap: fleet, path: `fleet.${key}`, purchases: all }] : []),
  ]
}

export function rateAllows({ situation }: HintInputs): Hint | null {
  const { limits, fleet } = situation.policy
  const caps = capsOf(situation, { key: "actions", own: limits.actions, fleet: fleet?.actions ?? null })
  return withLastWait(caps.flatMap((capped) => rateAllowsUnder(capped, situation.now) ?? []))
}

function rateAllowsUnder({ cap, path, purchases }: Capped<Rate>, now: number): Hint | null {
  const within = purchasesWithin({ purchases }, now, cap.perMs).sort((a, b) => a.at - b.at)
  const tooMany = within.length - cap.count + 1
  if (tooMany <= 0) return null
  if (cap.count === 0) {
    const value = `${within.length + 1} per ${sayDuration(cap.perMs)}`
    return { says: `raise ${path} to at least ${value}`, change: { kind: "policy", path, value } }
  }
  const last = within[tooMany - 1]
  const leave = tooMany === 1 ? "1 purchase leaves" : `${tooMany} purchases leave`
  return last ? wait(`${leave} the window of ${path}`, last.at + cap.perMs) : null
}

/**
 * If the ladder has no price, an operator must write it. A past purchase without a price only has to leave
 * the window.
 */
export function pricesKnown({ situation, choice, cost }: HintInputs): Hint | null {
  const { policy } = situation
  const caps = budgetsOf(situation)
  const index = policy.ladder.findIndex(({ servers }) => servers === choice.target?.to)
  const path = `ladder.${index}.price`
  const priced: Hint = { says: `set ${path}`, change: { kind: "policy", path, value: null } }
  const waits = caps.flatMap(({ cap, path: capPath, purchases }) => {
    const window = purchasesSince(purchases, windowStart(cap.per, policy.timezone, situation.now))
    const unpriced = window.filter((purchase) => purchase.cost?.currency !== cap.currency)
    const ends = unpriced.map(({ at }) => leavesWindowAt(cap.per, policy.timezone, at))
    const what = `${counted(unpriced.length, "purchase")} without a price in ${cap.currency} ${unpriced.length === 1 ? "leaves" : "leave"} the window of ${capPath}`
    return ends.length > 0 ? [wait(what, Math.max(...ends))] : []
  })
  return withLastWait(cost === null ? [priced, ...waits] : waits)
}

function budgetsOf(situation: Situation): Capped<Budget>[] {
  const { limits, fleet } = situation.policy
  return capsOf(situation, { key: "budget", own: limits.budget, fleet: fleet?.budget ?? null })
}

export function budgetAllows({ situation, cost }: HintInputs): Hint | null {
  // Without a price, the order was not compared with the budget.
  if (!cost) return null
  const over = budgetsOf(situation).flatMap((capped) => overBudget(capped, situation, cost) ?? [])
  const raised = over.flatMap(({ path, least, until }) =>
    until === null ? [] : [`raise ${path} to at least ${sayMoney(least)}`],
  )
  const waits = over.flatMap(({ until, left }) => (until === null ? [] : [{ until, left }]))
  const last = waits.reduce<(typeof waits)[number] | null>(
    (latest, one) => (latest === null || one.until > latest.until ? one : latest),
    null,
  )
  const fixed = over.flatMap(({ path, least, until }): Hint[] => {
    const says = `raise ${path} to at least ${sayMoney(least)}`
    const value = amountOf(least).amount
    return until === null ? [{ says, change: { kind: "policy", path: `${path}.amount`, value } }] : []
  })
  if (last === null) return combineHints(fixed)
  // Either the operator raises all these caps, or the longest of their waits ends.
  const either = `${raised.join(" and ")}, or wait until ${sayTime(last.until)}, when ${sayMoney(last.left)} leave the window`
  return combineHints([...fixed, { says: either, change: { kind: "wait", until: last.until } }])
}

/** A budget that the order exceeds. */
interface Over {
  path: string
  /** Smallest budget that would allow the order now. */
  least: Money
  /** Time at which enough money has left the window; `null` if the order alone exceeds the budget. */
  until: number | null
  /** Money that has left the window by `until`. */
  left: Money
}

/**
 * `null` if the order fits. Otherwise the cap must be raised, or enough money must leave its window. An order
 * above the cap needs a raise in any case.
 */
function overBudget(
  { cap, path, purchases }: Capped<Budget>,
  { policy: { timezone }, now }: Situation,
  cost: Money,
): Over | null {
  const inWindow = purchasesSince(purchases, windowStart(cap.per, timezone, now)).map((purchase) => ({
    minor: purchase.cost?.minor ?? 0,
    leavesAt: leavesWindowAt(cap.per, timezone, purchase.at),
  }))
  const spent = inWindow.reduce((sum, { minor }) => sum + minor, 0)
  const least = { minor: spent + cost.minor, currency: cap.currency }
  if (least.minor <= cap.minor) return null
  const nothing = { minor: 0, currency: cap.currency }
  if (cost.minor > cap.minor) return { path, least, until: null, left: nothing }
  const ends = [...new Set(inWindow.map(({ leavesAt }) => leavesAt))].sort((a, b) => a - b)
  const leftBy = (at: number) =>
    inWindow.filter(({ leavesAt }) => leavesAt <= at).reduce((sum, { minor }) => sum + minor, 0)
  const until = ends.find((at) => least.minor - leftBy(at) <= cap.minor)
  if (until === undefined) return null // unreachable: with an empty window the order fits
  return { path, least, until, left: { minor: leftBy(until), currency: cap.currency } }
}
