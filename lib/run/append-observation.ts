import type { Observation } from "../decision/state/observation.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import { nextEntry } from "../ledger/next-entry.ts"
import type { Ports } from "../ports.ts"
import type { FinishedRun, RunTail } from "./notify.ts"
import type { RunResult } from "./result.ts"
import type { RunTask } from "./task.ts"

interface Observed {
  tail: RunTail
  /** The chain's newest entry, which `tail` names. */
  newest: LedgerEntry
  result: RunResult
  observation: Observation
}

/**
 * Appends an observation made after a run, under a new run id, and dated no earlier than the chain's newest entry. Returns the run
 * with that entry as its newest. If another run appended meanwhile, returns the run unchanged; a later tick tries again.
 */
export async function appendObservation(
  ports: Ports,
  task: RunTask,
  { tail, newest, result, observation }: Observed,
): Promise<FinishedRun> {
  const head: LedgerEntry = nextEntry(task.stream, newest, {
    at: Math.max(tail.at, newest.at),
    run: ports.newId(),
    writer: ports.newId(),
    kind: "observed",
    mode: result.mode,
    signal: task.signal,
    observation,
  })
  if ((await ports.ledger.append(head)) !== "appended") return { result, tail }
  return { result, tail: { ...tail, head, at: head.at } }
}
