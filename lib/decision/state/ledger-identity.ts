import { STUCK_AFTER_MS } from "./attempt.ts"

/** State of the ledger at `ledger init`: empty, empty with `--nothing-in-flight`, or with entries. */
export type LedgerOrigin = "empty" | "nothing-in-flight" | "adopted"

/** Identity of a ledger, given once by `ledger init`. */
export interface LedgerIdentity {
  /** Random; constant while this ledger exists. */
  id: string
  /** Time at which `ledger init` was recorded, by the clock of the machine that ran it, epoch milliseconds. */
  at: number
  origin: LedgerOrigin
}

/** A restored backup: purchases after the backup are missing from the ledger. */
export interface LedgerRestore {
  /** Time at which `ledger restored` was recorded, epoch milliseconds. */
  at: number
  why: string
  by: string
  /** Ids of the supernodes that an operator has compared with the cloud since then (`ledger confirm`). */
  confirmed: string[]
}

/**
 * Time for which an empty ledger keeps live runs from buying. An order that a lost ledger contained shows its
 * servers within that time, or it is stuck.
 */
export const NEW_LEDGER_MS = STUCK_AFTER_MS

/** Times that decide whether the 45 minutes of a ledger that began empty are over, epoch milliseconds. */
export interface LedgerAge {
  /**
   * First time that the cloud confirmed to a run on this ledger; null: no entry names one. The clock of the
   * machine that ran `ledger init` does not count: a wrong one would end the 45 minutes too early.
   */
  firstConfirmedAt: number | null
  /** Time that the cloud confirmed to this run; null if it confirmed no time: then the 45 minutes are not over. */
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
