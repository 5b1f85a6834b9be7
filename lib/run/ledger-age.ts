import type { Situation } from "../decision/situation.ts"
import { NEW_LEDGER_MS } from "../decision/state/ledger-identity.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import type { Ports } from "../ports.ts"
import { decideOnce } from "./decide-once.ts"
import { entriesOf } from "./duplicate.ts"
import { confirmedNow } from "./ledger-trust.ts"
import type { RunTask } from "./task.ts"

/** So many chains are asked where the first ones are too young; one of an old ledger suffices. */
const MAX_STREAMS = 9
/** Read at once; nearly always the first entry tells it. */
const PAGE_ENTRIES = 20

/**
 * Since when this ledger is known by a time that the cloud confirmed. Read only where it can matter: the ledger was empty
 * at `ledger init`, and no gate holds. Throws LedgerError.
 */
export async function readLedgerAge(
  ports: Pick<Ports, "ledger">,
  task: RunTask,
  situation: Situation,
): Promise<Pick<Situation, "ledgerConfirmedAt">> {
  const ledger = situation.control.state === "read" ? situation.control.value.ledger : undefined
  if (ledger?.origin !== "empty") return {}
  const { target, heldBy } = decideOnce(task, situation)
  if (!target || heldBy !== null) return {}
  const now = confirmedNow(situation)
  const others = task.fleetStreams.filter((stream) => stream !== task.stream)
  const ledgerConfirmedAt = await firstConfirmedTime(ports, {
    streams: [task.stream, ...others],
    ledgerId: ledger.id,
    isEnough: (first) => now !== null && now >= first + NEW_LEDGER_MS,
  })
  return { ledgerConfirmedAt }
}

interface Question {
  /** Supernodes' streams, the one in question first. */
  streams: readonly string[]
  ledgerId: string
  /** An earlier time need not be looked for. */
  isEnough: (firstConfirmedAt: number) => boolean
}

/**
 * The first time that the cloud confirmed to a run on this very ledger; null: no entry names one. Of the cloud's time and
 * the run's own, which agreed, the later one. Throws LedgerError.
 */
export async function firstConfirmedTime(
  ports: Pick<Ports, "ledger">,
  { streams, ledgerId, isEnough }: Question,
): Promise<number | null> {
  let first: number | null = null
  for (const stream of streams.slice(0, MAX_STREAMS)) {
    const at = await firstConfirmedIn(ports, stream, ledgerId)
    if (at !== null && (first === null || at < first)) first = at
    if (first !== null && isEnough(first)) break
  }
  return first
}

async function firstConfirmedIn(
  ports: Pick<Ports, "ledger">,
  stream: string,
  ledgerId: string,
): Promise<number | null> {
  for (let fromSeq = 1; ; fromSeq += PAGE_ENTRIES) {
    const toSeq = fromSeq + PAGE_ENTRIES - 1
    const isLast = (entry: LedgerEntry) => confirmedOn(entry, ledgerId) !== null
    const entries = await entriesOf(ports, stream, { fromSeq, toSeq, isOne: () => true, isLast })
    const times = entries.flatMap((entry) => confirmedOn(entry, ledgerId) ?? [])
    if (times[0] !== undefined || entries.length < PAGE_ENTRIES) return times[0] ?? null
  }
}

/** Not of a run that had read another ledger, or none: it may have looked long before this one was made. */
function confirmedOn({ confirmedAt = null, situation }: LedgerEntry, ledgerId: string): number | null {
  if (confirmedAt === null || situation?.control?.state !== "read") return null
  if (situation.control.value.ledger?.id !== ledgerId) return null
  return Math.max(confirmedAt, situation.now)
}
