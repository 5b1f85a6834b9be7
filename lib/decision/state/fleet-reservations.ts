import type { Money } from "../policy/money.ts"
import type { AttemptTiming } from "./attempt.ts"
import { KEEP_PURCHASES_MS } from "./purchases.ts"

/**
 * A reservation under the fleet's caps, made before an attempt is opened and for that attempt alone:
 *
 *   reserved ──`stream` has an entry `seq`──▶ over: from then on only that chain counts
 */
export interface Reservation extends AttemptTiming {
  /** The supernode's chain, and the only position in it at which the attempt may still be opened. */
  stream: string
  seq: number
  cost: Money | null
}

/** The folded state of stream `fleet`. */
export interface FleetState {
  pending: Reservation[]
  /**
   * Chains that have bought or reserved, with the latest time: a supernode that leaves the policy file still
   * counts.
   */
  members: Record<string, number>
}

export const NO_FLEET: FleetState = { pending: [], members: {} }

/** Fields of an entry of stream `fleet` besides its attempt: `opened` reserves, `settled` releases. */
export interface FleetChange {
  reservation: Reservation
  /** Attempts whose reservations were over when this entry was written. */
  over: string[]
  /** Chains with purchases when this entry was written, with the latest time. */
  members: Record<string, number>
}

interface FleetEvent {
  kind: "opened" | "settled"
  at: number
  confirmedAt?: number | null
  change: FleetChange
}

/** The state after one more entry. Only a reservation forgets a chain, by a time that the cloud confirmed. */
export function foldFleet(
  fleet: FleetState,
  { kind, at, confirmedAt = null, change }: FleetEvent,
): FleetState {
  const { reservation, over, members } = change
  const others = fleet.pending.filter(({ id }) => id !== reservation.id && !over.includes(id))
  const all = latest(fleet.members, { ...members, [reservation.stream]: reservation.openedAt })
  if (kind === "settled") return { pending: others, members: all }
  const until =
    confirmedAt === null ? Number.NEGATIVE_INFINITY : Math.min(confirmedAt, at) - KEEP_PURCHASES_MS
  return {
    pending: [...others, reservation],
    members: Object.fromEntries(Object.entries(all).filter(([, last]) => last > until)),
  }
}

function latest(some: Record<string, number>, more: Record<string, number>): Record<string, number> {
  const all = { ...some }
  for (const [stream, at] of Object.entries(more)) all[stream] = Math.max(all[stream] ?? at, at)
  return all
}
