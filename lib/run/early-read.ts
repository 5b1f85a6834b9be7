import { CLOCK_TOLERANCE_MS } from "../decision/inputs/clock.ts"
import type { Supernode } from "../decision/inputs/supernode.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import { stateOf } from "../ledger/next-entry.ts"
import type { Ports, Read } from "../ports.ts"
import type { FinishedRun } from "./notify.ts"
import { staleAfter } from "./stale-after.ts"
import type { RunTask } from "./task.ts"

// For an alarm or a request, the supernode is read at the same time as the heads. This saves one round trip before the order.
//
// The response must not be older than the state that it is compared with. In these cases it is dropped, and the supernode is read
// again after the heads:
//   - the head has an open attempt, whose servers may have appeared after the read;
//   - the head may be newer than the start of the read, within the tolerance of two clocks;
//   - so much time has passed that the process must have been frozen.
// An entry that another run appends later needs no check here: then the append of `opened` conflicts, and the run starts again.

/** Maximum time from the start of the read to its use. Reading heads takes milliseconds; only a frozen process takes longer. */
const MAX_AGE_MS = 10_000

/** A read that began before the heads are known. */
export interface EarlyRead {
  /** Epoch milliseconds, by our clock. */
  startedAt: number
  isStale(): boolean
  response: Promise<Read<Supernode>>
}

/** Starts the read if the run will probably need it; else null. */
export function beginEarlyRead(ports: Ports, task: RunTask): EarlyRead | null {
  if (!isProbablyUsed(ports, task)) return null
  const startedAt = ports.clock.now()
  return { startedAt, isStale: staleAfter(ports, MAX_AGE_MS), response: readEarly(ports, task) }
}

/** Never rejects, even if the cloud port breaks its contract: a dropped read has no handler for its rejection. */
async function readEarly(ports: Ports, { loaded }: RunTask): Promise<Read<Supernode>> {
  try {
    return await ports.cloud.readSupernode(loaded.policy)
  } catch (error) {
    return { ok: false, why: String(error), credentials: false }
  }
}

/**
 * False if the read would probably not be used. No supernode is read for ticks, OK signals, and repeated alarms that the state
 * alone holds. With an open attempt or a new entry, the response would be dropped.
 */
function isProbablyUsed({ clock, lastRuns }: Ports, { signal, stream }: RunTask): boolean {
  if (!lastRuns || signal.kind === "tick") return false
  if (signal.kind === "alarm" && signal.state !== "alarm") return false
  const last = lastRuns.get(stream)
  if (!last) return true
  if (last.hasAttempt || isNewAt(last.headAt, clock.now())) return false
  return signal.kind === "request" || !last.isHeld
}

/** The supernode from the early read, if that is new enough for this head; else it is read now. */
export async function readSupernodeAfter(
  ports: Ports,
  task: RunTask,
  { early, head }: { early: EarlyRead | null; head: LedgerEntry | undefined },
): Promise<Read<Supernode>> {
  const isOutdated = !early || early.isStale() || isNewAt(head?.at ?? null, early.startedAt)
  if (isOutdated || stateOf(head).attempt !== null) return ports.cloud.readSupernode(task.loaded.policy)
  return early.response
}

function isNewAt(headAt: number | null, startedAt: number): boolean {
  return (headAt ?? 0) > startedAt - CLOCK_TOLERANCE_MS
}

/** Remembers a summary of this run for the next one. `isHeld`: the state alone held this run. */
export function rememberRun(
  { lastRuns }: Ports,
  { stream }: RunTask,
  { head, isHeld }: { head: LedgerEntry | undefined; isHeld: boolean },
): void {
  lastRuns?.set(stream, { headAt: head?.at ?? null, hasAttempt: stateOf(head).attempt !== null, isHeld })
}

/** Updates the summary after the run, which may have appended entries. */
export function rememberEnd(ports: Ports, task: RunTask, { tail }: FinishedRun): void {
  const isHeld = ports.lastRuns?.get(task.stream)?.isHeld ?? false
  if (tail?.head) rememberRun(ports, task, { head: tail.head, isHeld })
}
