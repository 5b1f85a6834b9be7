import type { Fetched } from "../inputs/fetched.ts"
import type { Policy } from "../policy/policy.ts"
import type { FleetState, Reservation } from "../state/fleet-reservations.ts"
import type { Purchase } from "../state/purchases.ts"
import type { SupernodeState } from "../state/state.ts"
import { windowStart } from "./window.ts"

// Caps across the supernodes of one policy file. Each supernode's own chain is the only record of its
// spending. Stream `fleet` only reserves what is about to be opened there, so that two supernodes cannot both
// use the last purchase.

/** Progress of another supernode's chain, and its purchases. */
export interface ChainTip {
  seq: number
  purchases: Purchase[]
}

/** Another supernode's purchase, or its reservation. */
export interface FleetPurchase extends Purchase {
  stream: string
}

/** All spending of other supernodes that any cap of the fleet can still count. */
export interface FleetSpend {
  purchases: FleetPurchase[]
}

/** True if the chain has an entry at the reserved position. Then the chain shows the purchase, and the reservation no longer counts. */
export function isResolved({ stream, seq }: Reservation, tips: ReadonlyMap<string, ChainTip>): boolean {
  return (tips.get(stream)?.seq ?? 0) >= seq
}

/** True if the attempt was not opened in time. Then a buyer appends an entry at its position, so that it can no longer be opened. */
export function hasLapsed(
  reservation: Reservation,
  tips: ReadonlyMap<string, ChainTip>,
  now: number,
): boolean {
  return now > reservation.deadline && !isResolved(reservation, tips)
}

/**
 * Other supernodes' purchases by their chains, and their reservations that are not over. This supernode's own
 * reservations are left out: they have the same position in the chain as this run's attempt, and only one entry
 * can have it.
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

/** True if the policy counts anything across supernodes. If not, stream `fleet` is neither read nor written. */
export function hasFleetCap({ fleet }: Pick<Policy, "fleet">): boolean {
  return Boolean(fleet?.actions ?? fleet?.budget)
}

/** Start of the longest window of the fleet's caps, epoch milliseconds. */
export function fleetSince({ fleet, timezone }: Pick<Policy, "fleet" | "timezone">, now: number): number {
  const windows = [fleet?.actions?.perMs, fleet?.budget?.per].filter((per) => per !== undefined)
  return Math.min(now, ...windows.map((per) => windowStart(per, timezone, now)))
}

interface FleetFacts {
  state: SupernodeState
  fleet?: Fetched<FleetSpend>
}

/** Purchases of all supernodes, this one's by its own chain; null if the others' were not read. */
export function fleetPurchases({ state, fleet }: FleetFacts): Purchase[] | null {
  return fleet?.state === "read" ? [...state.purchases, ...fleet.value.purchases] : null
}
