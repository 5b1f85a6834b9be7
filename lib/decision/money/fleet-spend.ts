import type { Fetched } from "../inputs/fetched.ts"
import type { Policy } from "../policy/policy.ts"
import type { FleetState, Reservation } from "../state/fleet-reservations.ts"
import type { Purchase } from "../state/purchases.ts"
import type { SupernodeState } from "../state/state.ts"
import { windowStart } from "./window.ts"

// Caps across the supernodes of one policy file. What was spent stands in each supernode's own chain and nowhere else;
// stream `fleet` only holds what is about to be opened there, so that two supernodes cannot take the last place at once.

/** How far another supernode's chain has come, and what it has bought. */
export interface ChainTip {
  seq: number
  purchases: Purchase[]
}

/** Another supernode's purchase, or its place for one. */
export interface FleetPurchase extends Purchase {
  stream: string
}

/** Everything that other supernodes may have spent and that any cap of the fleet can still count. */
export interface FleetSpend {
  purchases: FleetPurchase[]
}

/** Its place is taken, by itself or by something else: its chain alone tells from here on. */
export function isResolved({ stream, seq }: Reservation, tips: ReadonlyMap<string, ChainTip>): boolean {
  return (tips.get(stream)?.seq ?? 0) >= seq
}

/** Nobody opened it in time: its place may be taken for good, and a run that only looks looks as if it had been. */
export function hasLapsed(
  reservation: Reservation,
  tips: ReadonlyMap<string, ChainTip>,
  now: number,
): boolean {
  return now > reservation.deadline && !isResolved(reservation, tips)
}

/**
 * Others' purchases by their chains, and their reservations that are not over. What the own supernode has reserved in other
 * runs is left out: it would be opened at the very place where this run's attempt is to stand, and only one of them can.
 */
export function spendOfOthers(
  fleet: FleetState,
  tips: ReadonlyMap<string, ChainTip>,
  { own, since }: { own: string; since: number },
): FleetSpend {
  const chained = [...tips].flatMap(([stream, { purchases }]) =>
    purchases.map((purchase): FleetPurchase => ({ ...purchase, stream })),
  )
  const pending = fleet.pending
    .filter((reservation) => !isResolved(reservation, tips))
    .map(
      ({ id, openedAt, cost, stream }): FleetPurchase => ({
        attempt: id,
        at: openedAt,
        cost,
        state: "reserved",
        stream,
      }),
    )
  return { purchases: [...chained, ...pending].filter(({ stream, at }) => stream !== own && at >= since) }
}

/** Does the policy count anything across supernodes? Without, stream `fleet` is neither read nor written. */
export function hasFleetCap({ fleet }: Pick<Policy, "fleet">): boolean {
  return Boolean(fleet?.actions ?? fleet?.budget)
}

/** The first instant that may count, epoch milliseconds: of the longest window that the fleet's caps look back over. */
export function fleetSince({ fleet, timezone }: Pick<Policy, "fleet" | "timezone">, now: number): number {
  const windows = [fleet?.actions?.perMs, fleet?.budget?.per].filter((per) => per !== undefined)
  return Math.min(now, ...windows.map((per) => windowStart(per, timezone, now)))
}

interface FleetFacts {
  state: SupernodeState
  fleet?: Fetched<FleetSpend>
}

/** The purchases of all supernodes, this one's by its own chain; null where the others' were not read. */
export function fleetPurchases({ state, fleet }: FleetFacts): Purchase[] | null {
  return fleet?.state === "read" ? [...state.purchases, ...fleet.value.purchases] : null
}
