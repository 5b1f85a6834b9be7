/** What `ledger init` found: an empty ledger, an empty one of which an operator said `--nothing-in-flight`, or one with entries. */
export type LedgerOrigin = "empty" | "nothing-in-flight" | "adopted"

/** The identity of a ledger, given once by `ledger init`. */
export interface LedgerIdentity {
  /** Random; the same as long as this ledger exists. */
  id: string
  /** When `ledger init` was recorded, by the clock of the machine that ran it: epoch milliseconds. */
  at: number
  origin: LedgerOrigin
}

/** A backup was restored: what was bought after the backup is missing from the ledger. */
export interface LedgerRestore {
  /** When `ledger restored` was recorded, epoch milliseconds. */
  at: number
  why: string
  by: string
  /** Ids of the supernodes that an operator compared with the cloud since then (`ledger confirm`). */
  confirmed: string[]
}

/**
 * How long an empty ledger keeps live runs from buying. An order that a lost ledger forgot shows its servers within
 * that time, or it is stuck.
 */
export const NEW_LEDGER_MS = 45 * 60_000

/** Times that decide whether the 45 minutes of a ledger that began empty are over, epoch milliseconds. */
export interface LedgerAge {
  /**
   * The first time that the cloud confirmed to a run on this very ledger; null: no entry of it names one. The clock of
   * the machine that ran `ledger init` starts nothing: a slow one would end the 45 minutes too early.
   */
  firstConfirmedAt: number | null
  /** The time that the cloud confirmed to this run; null: none, so that nothing is over. */
  confirmed: number | null
}

/** True while live runs must not rely on the memory of a ledger that began empty. */
export function ledgerIsNew(
  { origin }: Pick<LedgerIdentity, "origin">,
  { firstConfirmedAt, confirmed }: LedgerAge,
): boolean {
  if (origin !== "empty") return false
  return firstConfirmedAt === null || confirmed === null || confirmed < firstConfirmedAt + NEW_LEDGER_MS
}
