/** What `ledger init` found: an empty ledger, an empty one of which an operator said `--nothing-in-flight`, or one with entries. */
export type LedgerOrigin = "empty" | "nothing-in-flight" | "adopted"

/** The identity of a ledger, given once by `ledger init`. */
export interface LedgerIdentity {
  /** Random; the same as long as this ledger exists. */
  id: string
  /** When `ledger init` was recorded, epoch milliseconds. */
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

/**
 * True while live runs must not rely on the memory of an empty ledger. `confirmed` is a time that the cloud confirmed;
 * null: none did, so the 45 minutes are not over. A time before `at` proves nothing either.
 */
export function ledgerIsNew({ at, origin }: LedgerIdentity, confirmed: number | null): boolean {
  return origin === "empty" && (confirmed === null || confirmed < at + NEW_LEDGER_MS)
}
