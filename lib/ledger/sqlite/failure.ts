import { LedgerError } from "../../ports.ts"
import { messageOf } from "../store.ts"

// SQLite's own words (sqlite3_errstr): the Node 20 package gives result codes with some of its errors only.
const LOCKED = /database (table )?is locked/
const SAYS: [RegExp, string][] = [
  [
    /Cannot find (package|module) '@photostructure\/sqlite'/,
    "cannot be used: this Node.js has no SQLite of its own, and the package for it is not installed. In a function, set SUPERNODE_LEDGER to a ledger that all its containers share",
  ],
  [LOCKED, "is locked by another process that does not let go of it"],
  [/readonly database/, "or its directory is read-only for this process"],
  [/disk I\/O error/, "cannot be read or written by the operating system"],
  [/malformed/, "is damaged; restore it from a backup"],
  [/database or disk is full/, "cannot grow: the disk is full"],
  [
    /unable to open database file/,
    "cannot be opened: it or its directory may not be accessible to this process",
  ],
  [/file is not a database/, "is not a SQLite database"],
]

/** A failure of SQLite in words that name the file and what is wrong with it. */
export function sqliteFailure(error: unknown, file: string): LedgerError {
  if (error instanceof LedgerError) return error
  const why = messageOf(error)
  const says = SAYS.find(([pattern]) => pattern.test(why))?.[1] ?? "cannot be used"
  return new LedgerError(`the ledger ${file} ${says} (${why})`, { cause: error })
}

/** Another process is using the file; the same may work a moment later. */
export function isBusy(error: unknown): boolean {
  return LOCKED.test(messageOf(error))
}
