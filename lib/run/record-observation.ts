import { confirmedTime } from "../decision/inputs/clock.ts"
import type { Situation } from "../decision/situation.ts"
import type { Observation } from "../decision/state/observation.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import { nextEntry, stateOf } from "../ledger/next-entry.ts"
import type { Ports } from "../ports.ts"
import { stampOf } from "./entry-time.ts"
import type { FetchedFleet } from "./fleet-spend.ts"
import type { RunTask } from "./task.ts"

/** Maximum number per run. One read can lead to a few in a row: an attempt is unknown, then accepted, then complete. */
const MAX_OBSERVATIONS = 4

/** The inputs of a decision that a run has read so far. */
export interface Gathered {
  situation: Situation
  /** The head that holds the situation's state. */
  head: LedgerEntry | undefined
  /** Purchases of other supernodes; null unless fleet caps apply. */
  fleet: FetchedFleet | null
}

/** Records observations as entries, one by one, each made on the state after the one before. A dry run appends nothing. */
export async function recordObservations(
  ports: Ports,
  task: RunTask,
  gathered: Gathered,
  observe: (situation: Situation) => Observation | null,
): Promise<Gathered | "overtaken"> {
  const isDry = task.mode === "dry-run"
  let current = gathered
  for (let count = 0; count < MAX_OBSERVATIONS; count++) {
    const observation = observe(current.situation)
    if (!observation) break
    const entry = observedEntry(ports, task, { ...current, observation })
    if (!isDry && (await ports.ledger.append(entry)) === "conflict") return "overtaken"
    const headAt = isDry ? current.situation.headAt : entry.at
    current = {
      ...current,
      situation: { ...current.situation, state: stateOf(entry), headAt },
      head: isDry ? current.head : entry,
    }
  }
  return current
}

interface ObservationAtHead {
  situation: Situation
  head: LedgerEntry | undefined
  observation: Observation
}

function observedEntry(
  ports: Ports,
  task: RunTask,
  { situation, head, observation }: ObservationAtHead,
): LedgerEntry {
  const { policyHash, policy } = situation
  const fields = {
    at: stampOf(situation),
    confirmedAt: confirmedTime(situation),
    run: task.run,
    writer: ports.newId(),
    mode: task.mode,
    signal: task.signal,
    policyHash,
    policy,
    kind: "observed" as const,
    observation,
  }
  return nextEntry(task.stream, head, fields)
}
