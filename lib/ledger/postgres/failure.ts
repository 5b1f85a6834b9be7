import { LedgerError } from "../../ports.ts"
import { messageOf } from "../store.ts"
import { CertificateFileError, NotPrimaryError, NotReplicatedError } from "./connection.ts"

/** SQLSTATE, or Node's code for a failed connection; empty if the error has neither. */
export function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return ""
  return typeof error.code === "string" ? error.code : ""
}

/** True if the table does not exist. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === "42P01"
}

/** LedgerError for a PostgreSQL failure: names the database and the remedy. `place` has no password. */
export function postgresFailure(error: unknown, place: string): LedgerError {
  if (error instanceof LedgerError) return error
  if (error instanceof CertificateFileError)
    return new LedgerError(`the ledger at ${place} cannot be used: sslrootcert ${error.message}`, {
      cause: error,
    })
  const code = codeOf(error)
  const detail =
    error instanceof NotPrimaryError ? "" : ` (${[code, messageOf(error)].filter(Boolean).join(": ")})`
  return new LedgerError(`the ledger at ${place} ${says(error, code)}${detail}`, { cause: error })
}

function says(error: unknown, code: string): string {
  if (error instanceof NotPrimaryError)
    return "is a standby (pg_is_in_recovery), which may be behind; name the address of the primary in SUPERNODE_LEDGER"
  if (error instanceof NotReplicatedError) return "has the entry, but its synchronous standby may not have it"
  if (code.startsWith("28"))
    return "does not accept this user or password; check the url, PGPASSWORD and the secret"
  if (code === "3D000") return "has no such database; create it with createdb"
  if (code === "42501") return "does not grant this user the required privileges; see docs/ledger-stores.md"
  if (code === "25006") return "is read-only"
  if (code === "57014" || code === "55P03") return "took too long"
  if (code.startsWith("53")) return "is out of resources (disk, memory or connections)"
  // SQLSTATE has five characters. Node's codes are longer, or begin with E and have only letters (EPIPE).
  return /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]+$/.test(code) ? "returned an error" : "cannot be reached"
}
