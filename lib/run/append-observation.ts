import type { Observation } from "../decision/state/observation.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import { nextEntry } from "../ledger/next-entry.ts"
import type { Ports } from "../ports.ts"
import type { FinishedRun, Left } from "./notify.ts"
import type { RunResult } from "./result.ts"
import type { RunTask } from "./task.ts"

interface Observed {
  left: Left
  /** The chain's newest entry, which `left` names. */
  newest: LedgerEntry
  result: RunResult
  observation: Observation
}

/**
 * Appends an observation made after a run, under a new run id and dated not before the chain's newest entry. Returns the run
 * with that entry as its newest. Returns it unchanged if another run appended meanwhile: a later tick asks again.
 */
export async function appendObservation(
  ports: Ports,
  task: RunTask,
  { left, newest, result, observation }: Observed,
): Promise<FinishedRun> {
  const head: LedgerEntry = nextEntry(task.stream, newest, {
    at: Math.max(left.at, newest.at),
    run: ports.newId(),
    writer: ports.newId(),
    kind: "observed",
    mode: result.mode,
    signal: task.signal,
    observation,
  })
  if ((await ports.ledger.append(head)) !== "appended") return { result, left }
  return { result, left: { ...left, head, at: head.at } }
}
