import { confirmedTime } from "../decision/inputs/clock.ts"
import type { Situation } from "../decision/situation.ts"
import type { Observation } from "../decision/state/observation.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import { nextEntry, stateOf } from "../ledger/next-entry.ts"
import type { Ports } from "../ports.ts"
import { stampOf } from "./entry-time.ts"
import type { FetchedFleet } from "./fleet-spend.ts"
import type { RunTask } from "./task.ts"

/** Maximum number per run. One read can show a few in a row: an attempt is unknown, then accepted, then complete. */
const MAX_OBSERVATIONS = 4

export interface Gathered {
  situation: Situation
  /** The head that holds the situation's state. */
  head: LedgerEntry | undefined
  /** Purchases of other supernodes; null unless fleet caps apply. */
  fleet: FetchedFleet | null
}

/** Records each observation as an entry, and continues with the state after it. A dry run records nothing. */
export async function recordObservations(
  ports: Ports,
  task: RunTask,
  gathered: Gathered,
  look: (situation: Situation) => Observation | null,
): Promise<Gathered | "overtaken"> {
  const isDry = task.mode === "dry-run"
  let so = gathered
  for (let count = 0; count < MAX_OBSERVATIONS; count++) {
    const noticed = look(so.situation)
    if (!noticed) break
    const entry = observedEntry(ports, task, { ...so, noticed })
    if (!isDry && (await ports.ledger.append(entry)) === "conflict") return "overtaken"
    const headAt = isDry ? so.situation.headAt : entry.at
    so = {
      ...so,
      situation: { ...so.situation, state: stateOf(entry), headAt },
      head: isDry ? so.head : entry,
    }
  }
  return so
}

interface Noticed {
  situation: Situation
  head: LedgerEntry | undefined
  noticed: Observation
}

function observedEntry(ports: Ports, task: RunTask, { situation, head, noticed }: Noticed): LedgerEntry {
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
    observation: noticed,
  }
  return nextEntry(task.stream, head, fields)
}
