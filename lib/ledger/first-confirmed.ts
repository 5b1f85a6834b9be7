import type { Ledger } from "../ports.ts"
import type { LedgerEntry } from "./entry.ts"

/** So many chains are asked where the first ones are too young; one of an old ledger suffices. */
const MAX_STREAMS = 9

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
  ledger: Pick<Ledger, "read">,
  { streams, ledgerId, isEnough }: Question,
): Promise<number | null> {
  let first: number | null = null
  for (const stream of streams.slice(0, MAX_STREAMS)) {
    const at = await firstConfirmedIn(ledger, stream, ledgerId)
    if (at !== null && (first === null || at < first)) first = at
    if (first !== null && isEnough(first)) break
  }
  return first
}

async function firstConfirmedIn(
  ledger: Pick<Ledger, "read">,
  stream: string,
  ledgerId: string,
): Promise<number | null> {
  for await (const entry of ledger.read(stream)) {
    const at = confirmedOn(entry, ledgerId)
    if (at !== null) return at
  }
  return null
}

/** Not of a run that had read another ledger, or none: it may have looked long before this one was made. */
function confirmedOn({ confirmedAt = null, situation }: LedgerEntry, ledgerId: string): number | null {
  if (confirmedAt === null || situation?.control?.state !== "read") return null
  if (situation.control.value.ledger?.id !== ledgerId) return null
  return Math.max(confirmedAt, situation.now)
}
