import type { Situation } from "../decision/situation.ts"
import { NEW_LEDGER_MS } from "../decision/state/ledger-identity.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import type { Ports } from "../ports.ts"
import { decideOnce } from "./decide-once.ts"
import { entriesOf } from "./duplicate.ts"
import { confirmedNow } from "./ledger-trust.ts"
import type { RunTask } from "./task.ts"

/** Maximum number of chains that are read. One chain of an old ledger is enough. */
const MAX_STREAMS = 9
/** Entries per read. The first entry is nearly always enough. */
const PAGE_ENTRIES = 20

/**
 * The first time on this ledger that the cloud confirmed. It is read only if the ledger was empty at `ledger init` and no gate
 * holds. Throws LedgerError.
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

interface ConfirmedTimeQuery {
  /** Supernodes' streams, the one in question first. */
  streams: readonly string[]
  ledgerId: string
  /** True if no earlier time than `first` is needed: then the search ends. */
  isEnough: (firstConfirmedAt: number) => boolean
}

/**
 * The first time that the cloud confirmed to a run on this ledger; null if no entry has one. Confirmed means that the cloud's clock
 * and the run's agreed; the later one counts. Throws LedgerError.
 */
export async function firstConfirmedTime(
  ports: Pick<Ports, "ledger">,
  { streams, ledgerId, isEnough }: ConfirmedTimeQuery,
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

/** The confirmed time of an entry; null if its run had not read this ledger's id, since it may have started before this ledger. */
function confirmedOn({ confirmedAt = null, situation }: LedgerEntry, ledgerId: string): number | null {
  if (confirmedAt === null || situation?.control?.state !== "read") return null
  if (situation.control.value.ledger?.id !== ledgerId) return null
  return Math.max(confirmedAt, situation.now)
}
