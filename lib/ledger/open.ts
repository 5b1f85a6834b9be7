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
  /** GeminiDB's keys, or a function that gives the present ones; without, AWS's default chain. */
  dynamodbCredentials?: NonNullable<DynamoPlace["credentials"]>
  dynamodbTimeouts?: DynamoTimeouts
  /** HTTPS_PROXY and NO_PROXY, for the DynamoDB protocol; PostgreSQL is not HTTP, so its connections are direct. */
  proxy?: DynamoPlace["proxy"]
  postgres?: PostgresOptions
  /** How long a call waits for another process that is writing, milliseconds; 5,000 where nothing is said. */
  sqliteBusyMs?: number
  /** For the ledger in memory, which begins with the process. */
  now?: () => number
}

/**
 * Opens the ledger a `SUPERNODE_LEDGER` url names; makes none but the one in memory. Throws LedgerError on a url or file
 * that cannot be one.
 */
export async function openLedger(url: string, options: OpenLedgerOptions = {}): Promise<AuditedLedger> {
  const ledger = ledgerOver(await openStore(url, options))
  if (parseLedgerUrl(url).kind === "memory") await initInMemory(ledger, options.now ?? Date.now)
  return ledger
}

/** It knows nothing of what was bought before this process: live runs wait as on any empty ledger. */
async function initInMemory(ledger: AuditedLedger, now: () => number): Promise<void> {
  const clock = { now, monotonic: now, wait: async () => undefined }
  const words = { by: "memory:", why: "a ledger that ends with its process", nothingInFlight: false }
  await initLedger({ ledger, clock, newId: randomUUID }, words)
}

/** The bare store behind a url, for those who must see the texts as they are. */
export async function openStore(url: string, options: OpenLedgerOptions = {}): Promise<LedgerStore> {
  const parsed = parseLedgerUrl(url)
  // Each store is imported when it is asked for: a function pays at cold start only for its own.
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
