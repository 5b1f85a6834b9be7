import { randomUUID } from "node:crypto"
import { LedgerError } from "../ports.ts"
import { type AuditedLedger, ledgerOver } from "./chain.ts"
import type { DynamoPlace, DynamoTimeouts } from "./dynamodb/client.ts"
import { initLedger } from "./init.ts"
import { ledgerPlace, parseLedgerUrl } from "./ledger-url.ts"
import type { PostgresOptions } from "./postgres/connection.ts"
import type { LedgerStore } from "./store.ts"

export type { AuditedLedger } from "./chain.ts"
export type { DynamoCredentials } from "./dynamodb/client.ts"
export { type LedgerUrl, ledgerPlace, parseLedgerUrl } from "./ledger-url.ts"
export type { Verification } from "./verify.ts"
export type { LedgerVerification } from "./verify-ledger.ts"

export interface OpenLedgerOptions {
  /** Keys for GeminiDB, or a function that returns the current ones. Defaults to AWS's default chain. */
  dynamodbCredentials?: NonNullable<DynamoPlace["credentials"]>
  dynamodbTimeouts?: DynamoTimeouts
  /** From HTTPS_PROXY and NO_PROXY, for DynamoDB only. PostgreSQL is not HTTP, so it connects directly. */
  proxy?: DynamoPlace["proxy"]
  postgres?: PostgresOptions
  /** Milliseconds that a call waits while another process writes. Defaults to 5,000. */
  sqliteBusyMs?: number
  /** Clock for the first entry of a `memory:` ledger, in epoch milliseconds. Defaults to `Date.now`. */
  now?: () => number
}

/**
 * Opens the ledger of a `SUPERNODE_LEDGER` url. Creates a ledger only for `memory:`. Throws LedgerError if
 * the url is invalid or the file is not a ledger.
 */
export async function openLedger(url: string, options: OpenLedgerOptions = {}): Promise<AuditedLedger> {
  const ledger = ledgerOver(await openStore(url, options))
  if (parseLedgerUrl(url).kind === "memory") await initInMemory(ledger, options.now ?? Date.now)
  return ledger
}

/** The new ledger has no record of earlier purchases, so live runs wait as with any empty ledger. */
async function initInMemory(ledger: AuditedLedger, now: () => number): Promise<void> {
  const clock = { now, monotonic: now, wait: async () => undefined }
  const words = { by: "memory:", why: "a ledger that ends with its process", nothingInFlight: false }
  await initLedger({ ledger, clock, newId: randomUUID }, words)
}

/** Opens only the store of a url, for callers that need the stored texts as they are. Throws LedgerError. */
export async function openStore(url: string, options: OpenLedgerOptions = {}): Promise<LedgerStore> {
  const parsed = parseLedgerUrl(url)
  // Each store is imported only if it is used, which shortens a function's cold start.
  switch (parsed.kind) {
    case "invalid":
      throw new LedgerError(`the ledger's url ${parsed.problems.join("; it ")}`)
    case "memory":
      return (await import("./memory.ts")).openMemoryStore()
    case "sqlite":
      return (await import("./sqlite/store.ts")).openSqliteStore(parsed.path, options.sqliteBusyMs)
    case "dynamodb": {
      const { dynamodbCredentials: credentials, dynamodbTimeouts: timeouts, proxy = null } = options
      const place = { ...parsed, proxy, ...(credentials && { credentials }), ...(timeouts && { timeouts }) }
      return (await import("./dynamodb/store.ts")).openDynamoStore(place)
    }
    case "postgres":
      return (await import("./postgres/store.ts")).openPostgresStore(
        ledgerPlace(url),
        parsed,
        options.postgres,
      )
  }
}
