import type { Money } from "../policy/money.ts"
import type { AttemptTiming } from "./attempt.ts"

/**
 * A place taken under the caps before an attempt is opened, for that attempt alone:
 *
 *   reserved ──something stands at `seq` of `stream`──▶ over: that chain tells whether the attempt was opened, and all else
 */
export interface Reservation extends AttemptTiming {
  /** The supernode's chain, and the one place in it at which the attempt may still be opened. */
  stream: string
  seq: number
  cost: Money | null
}

/** The folded state of stream `fleet`. */
export interface FleetState {
  pending: Reservation[]
  /** Chains that have bought or reserved, and when last: one that leaves the policy file goes on counting. */
  members: Record<string, number>
}

export const NO_FLEET: FleetState = { pending: [], members: {} }

/** What an entry of stream `fleet` tells besides its attempt: `opened` reserves, `settled` gives back. */
export interface FleetChange {
  reservation: Reservation
  /** Attempts whose reservations its writer saw to be over. */
  over: string[]
  /** Chains that its writer saw to have bought, and when last. */
  members: Record<string, number>
}

/** Longer than any window that counts purchases (at most 366 days). */
const KEEP_MEMBERS_MS = 400 * 86_400_000

interface FleetEvent {
  kind: "opened" | "settled"
  at: number
  confirmedAt?: number | null
  news: FleetChange
}

/** The state after one more entry. A chain is forgotten only where one reserves, by a time that the cloud confirmed. */
export function foldFleet(fleet: FleetState, { kind, at, confirmedAt = null, news }: FleetEvent): FleetState {
  const { reservation, over, members } = news
  const others = fleet.pending.filter(({ id }) => id !== reservation.id && !over.includes(id))
  const all = latest(fleet.members, { ...members, [reservation.stream]: reservation.openedAt })
  if (kind === "settled") return { pending: others, members: all }
  const until = confirmedAt === null ? Number.NEGATIVE_INFINITY : Math.min(confirmedAt, at) - KEEP_MEMBERS_MS
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
