import {
  type ChainTip,
  type FleetSpend,
  fleetSince,
  hasFleetCap,
  hasLapsed,
  spendOfOthers,
} from "../decision/money/fleet-spend.ts"
import type { Situation } from "../decision/situation.ts"
import type { Reservation } from "../decision/state/fleet-reservations.ts"
import { sayTime } from "../decision/verdict.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import { FLEET_STREAM, fleetOf, nextEntry, sealIfFits, stateOf } from "../ledger/next-entry.ts"
import type { Ports } from "../ports.ts"
import type { RunTask } from "./task.ts"

/** The purchases that other supernodes may have made, and the entry that a reservation based on them must follow. */
export interface FetchedFleet {
  head: LedgerEntry | undefined
  tips: ReadonlyMap<string, ChainTip>
  spend: FleetSpend
}

/** A run's position in its chain: the situation, and the entry whose state is in that situation. */
export interface ChainPosition {
  situation: Situation
  head: LedgerEntry | undefined
}

/**
 * Counts what the other supernodes have bought and reserved; null, and nothing is read, if the policy has no cap across supernodes.
 * Throws LedgerError: a chain that cannot be read may contain the purchase that uses up the cap.
 */
export async function readFleet(
  ports: Ports,
  task: RunTask,
  { situation, head: ownHead }: ChainPosition,
): Promise<FetchedFleet | null> {
  const { policy, now } = situation
  if (!hasFleetCap(policy)) return null
  const head = await ports.ledger.head(FLEET_STREAM)
  const fleet = fleetOf(head)
  const known = [...Object.keys(fleet.members), ...fleet.pending.map(({ stream }) => stream)]
  const streams = [...new Set([...task.fleetStreams, ...known])].filter((stream) => stream !== task.stream)
  const tips = new Map<string, ChainTip>([[task.stream, tipOf(ownHead)]])
  // All reads start in one turn of the event loop, so that the ledger combines them into one query.
  const heads = await Promise.all(streams.map((stream) => readTip(ports, stream)))
  for (const [nth, stream] of streams.entries()) tips.set(stream, tipOf(heads[nth]))
  for (const reservation of fleet.pending) {
    const nth = streams.indexOf(reservation.stream)
    if (nth >= 0 && hasLapsed(reservation, tips, now))
      tips.set(reservation.stream, await fence(ports, task, reservation, heads[nth]))
  }
  const spend = spendOfOthers(fleet, tips, { own: task.stream, since: fleetSince(policy, now) })
  return { head, tips, spend }
}

async function readTip(ports: Ports, stream: string): Promise<LedgerEntry | undefined> {
  return ports.ledger.head(stream)
}

function tipOf(head: LedgerEntry | undefined): ChainTip {
  return { seq: head?.seq ?? 0, purchases: stateOf(head).purchases }
}

/**
 * Appends an entry at the place of an attempt that was not opened in time. A run that still tries to open the attempt then gets a
 * conflict and starts again. If another entry already has that place, nothing is left to do. A run that does not buy only assumes
 * that the place is taken.
 */
async function fence(
  ports: Ports,
  task: RunTask,
  { id, stream, seq, deadline }: Reservation,
  head: LedgerEntry | undefined,
): Promise<ChainTip> {
  if (task.mode !== "live") return { ...tipOf(head), seq }
  const says = `was reserved in the fleet stream but not opened by ${sayTime(deadline)}; it can no longer be opened`
  const at = Math.max(ports.clock.now(), head?.at ?? 0)
  const observation = { kind: "lapsed" as const, says, attempt: id, servers: [], present: null, at }
  const fields = { at, run: task.run, writer: ports.newId(), mode: task.mode, observation }
  const entry = sealIfFits(() => nextEntry(stream, head, { ...fields, kind: "observed" }))
  // If the chain is too full for this entry, the reservation still counts: the cap may be counted too high, never too low.
  if (!entry) return tipOf(head)
  return tipOf((await ports.ledger.append(entry)) === "appended" ? entry : await ports.ledger.head(stream))
}

/** The fleet's spend as a field of the situation. */
export function spendSeenBy(fleet: FetchedFleet | null): Pick<Situation, "fleet"> {
  return fleet ? { fleet: { state: "read", value: fleet.spend } } : {}
}
