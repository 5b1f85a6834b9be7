import { LedgerError } from "../../ports.ts"
import { messageOf } from "../store.ts"

// Matches SQLite's texts (sqlite3_errstr): only some errors of the Node 20 package have a result code.
const LOCKED = /database (table )?is locked/
const SAYS: [RegExp, string][] = [
  [
    /Cannot find (package|module) '@photostructure\/sqlite'/,
    "cannot be used: this Node.js has no SQLite of its own, and the package for it is not installed. In a function, set SUPERNODE_LEDGER to a ledger that all its containers share",
  ],
  [LOCKED, "is locked by another process that does not release it"],
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

/** LedgerError for a SQLite failure: names the file and the problem. */
export function sqliteFailure(error: unknown, file: string): LedgerError {
  if (error instanceof LedgerError) return error
  const why = messageOf(error)
  const says = SAYS.find(([pattern]) => pattern.test(why))?.[1] ?? "cannot be used"
  return new LedgerError(`the ledger ${file} ${says} (${why})`, { cause: error })
}

/** True if another process is using the file; a retry may succeed. */
export function isBusy(error: unknown): boolean {
  return LOCKED.test(messageOf(error))
}
