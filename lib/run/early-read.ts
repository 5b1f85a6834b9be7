import { CLOCK_TOLERANCE_MS } from "../decision/inputs/clock.ts"
import type { Supernode } from "../decision/inputs/supernode.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import { stateOf } from "../ledger/next-entry.ts"
import type { Ports, Read } from "../ports.ts"
import type { FinishedRun } from "./notify.ts"
import { staleAfter } from "./stale-after.ts"
import type { RunTask } from "./task.ts"

// The supernode, read beside the heads of an alarm or a request: one step less between the event and the order.
//
// Its answer must not be older than the state that it is compared with. The answer is dropped, and the supernode is read after
// the heads, if one of these is true:
//   - the head holds an attempt, whose outcome may have become visible in between;
//   - the head is newer than the start of the read minus the tolerance of two clocks;
//   - so much time has passed that the process was frozen.
// No other check is needed here: `open` succeeds only if no entry follows the head that was read beside the supernode.

/** Maximum time from the start of the read to its use. Reading heads takes milliseconds; only a frozen process takes longer. */
const MAX_AGE_MS = 10_000

/** A read that began before the heads are known. */
export interface EarlyRead {
  /** Epoch milliseconds, by our clock. */
  startedAt: number
  isStale(): boolean
  answer: Promise<Read<Supernode>>
}

/** Starts the read if the run will probably need the answer; else null. */
export function beginEarlyRead(ports: Ports, task: RunTask): EarlyRead | null {
  if (!isProbablyUsed(ports, task)) return null
  const startedAt = ports.clock.now()
  return { startedAt, isStale: staleAfter(ports, MAX_AGE_MS), answer: readEarly(ports, task) }
}

/** Never rejects, even if the cloud port breaks its contract: nothing awaits an answer that is dropped. */
async function readEarly(ports: Ports, { loaded }: RunTask): Promise<Read<Supernode>> {
  try {
    return await ports.cloud.readSupernode(loaded.policy)
  } catch (error) {
    return { ok: false, why: String(error), credentials: false }
  }
}

/**
 * False if this process knows that the answer would not be used. A tick, an OK and a repeated alarm that the state alone holds
 * read nothing. An answer beside an attempt or a new entry would be dropped.
 */
function isProbablyUsed({ clock, lastLooks }: Ports, { signal, stream }: RunTask): boolean {
  if (!lastLooks || signal.kind === "tick") return false
  if (signal.kind === "alarm" && signal.state !== "alarm") return false
  const last = lastLooks.get(stream)
  if (!last) return true
  if (last.hasAttempt || isNewAt(last.headAt, clock.now())) return false
  return signal.kind === "request" || !last.isHeld
}

/** The supernode as it was read beside this head, if that answer is new enough; else it is read now. */
export async function readSupernodeAfter(
  ports: Ports,
  task: RunTask,
  { early, head }: { early: EarlyRead | null; head: LedgerEntry | undefined },
): Promise<Read<Supernode>> {
  const isOutdated = !early || early.isStale() || isNewAt(head?.at ?? null, early.startedAt)
  if (isOutdated || stateOf(head).attempt !== null) return ports.cloud.readSupernode(task.loaded.policy)
  return early.answer
}

function isNewAt(headAt: number | null, startedAt: number): boolean {
  return (headAt ?? 0) > startedAt - CLOCK_TOLERANCE_MS
}

/** Remembers what the next event of this supernode can expect. `isHeld`: the state alone held this one. */
export function rememberLook(
  { lastLooks }: Ports,
  { stream }: RunTask,
  { head, isHeld }: { head: LedgerEntry | undefined; isHeld: boolean },
): void {
  lastLooks?.set(stream, { headAt: head?.at ?? null, hasAttempt: stateOf(head).attempt !== null, isHeld })
}

/** Updates it after the run, which may have appended entries. */
export function rememberEnd(ports: Ports, task: RunTask, { tail }: FinishedRun): void {
  const isHeld = ports.lastLooks?.get(task.stream)?.isHeld ?? false
  if (tail?.head) rememberLook(ports, task, { head: tail.head, isHeld })
}
