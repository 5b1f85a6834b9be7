import { sayWitness } from "../decision/explain/witness.ts"
import type { OpenAttempt } from "../decision/state/attempt.ts"
import {
  changedWitness,
  hasOwnTrace,
  type ServersSeen,
  serversSeen,
  TOO_OLD,
  type TracesSeen,
  tracesSeen,
  traceWindow,
  type WitnessRecord,
} from "../decision/state/witness.ts"
import { stateOf } from "../ledger/next-entry.ts"
import type { Ports } from "../ports.ts"
import { appendObservation } from "./append-observation.ts"
import type { FinishedRun } from "./notify.ts"
import { LEDGER_WRITE_MS, type RunTask } from "./task.ts"

/** Time that must be left besides two ledger writes. Reading takes at most 8 s, and notifications follow. */
const MIN_READ_MS = 11_000

/**
 * While the outcome of an attempt is unknown, reads independent sources about it (CTS, the list of servers) and records what is new.
 * Only `status` and notifications show it; no gate reads it. Never settles or throws. A later tick reads the sources again.
 */
export async function followUnknown(ports: Ports, task: RunTask, ended: FinishedRun): Promise<FinishedRun> {
  const { tail, result } = ended
  const isItsTurn = task.signal.kind === "tick" || result.outcome?.kind === "unknown"
  if (!tail?.head || !isItsTurn) return ended
  const { attempt, witness } = stateOf(tail.head)
  if (attempt?.state !== "unknown" || ports.timeLeftMs() <= MIN_READ_MS + 2 * LEDGER_WRITE_MS) return ended
  try {
    const isKnown = witness !== undefined && hasOwnTrace(witness, attempt)
    const traces = isKnown ? witness.traces : await lookForTraces(ports, task, { attempt, now: tail.at })
    if (!traces) return ended
    const seen: WitnessRecord = {
      attempt: attempt.id,
      at: tail.at,
      servers: serversOf(ended, attempt),
      traces,
    }
    const changed = changedWitness(witness, seen)
    if (!changed) return ended
    const says = sayWitness(changed, attempt)
    const about = { attempt: attempt.id, servers: [], present: null, at: tail.at }
    const observation = { ...about, kind: "witness" as const, says, witness: changed }
    return await appendObservation(ports, task, { tail, newest: tail.head, result, observation })
  } catch {
    return ended
  }
}

/** null if these ports have no CTS. */
async function lookForTraces(
  ports: Ports,
  { loaded }: RunTask,
  { attempt, now }: { attempt: OpenAttempt; now: number },
): Promise<TracesSeen | null> {
  const window = traceWindow(attempt, now)
  if (!window) return TOO_OLD
  const read = await ports.cloud.readTraces?.(loaded.policy, window)
  return read === undefined ? null : tracesSeen(read, attempt)
}

/** The servers as this run read them; null if it did not read them. */
function serversOf({ tail }: FinishedRun, attempt: OpenAttempt): ServersSeen | null {
  const supernode = tail?.situation?.supernode
  return supernode?.state === "read" ? serversSeen(supernode.value, attempt) : null
}
