import { isBuiltin } from "node:module"
import { setTimeout as pause } from "node:timers/promises"
import { LedgerError } from "../../ports.ts"
import { isBusy } from "./failure.ts"

/** Part of the common API of `node:sqlite` and `@photostructure/sqlite` that this program uses. */
export interface SqliteConnection {
  exec(sql: string): void
  prepare(sql: string): SqliteStatement
  close(): void
}

export interface SqliteStatement {
  all(...values: (string | number)[]): Record<string, unknown>[]
  /** `changes`: number of rows that were written. */
  run(...values: (string | number)[]): { changes: number | bigint }
}

interface SqliteModule {
  DatabaseSync: new (path: string) => SqliteConnection
}

/**
 * Connection to a ledger file. An empty file becomes a ledger. Each commit is on disk before it returns.
 * Throws LedgerError if the file is another program's database.
 */
export async function connect(file: string, busyMs = BUSY_MS): Promise<SqliteConnection> {
  const database = await openDatabase(file, busyMs)
  try {
    await journalAhead(database, busyMs)
    database.exec("PRAGMA synchronous = FULL")
    if (isEmpty(database)) createLedger(database)
    checkIsLedger(database, file)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Like `connect`, but does not change an empty file and resolves to undefined for it. */
export async function connectToLedger(file: string, busyMs = BUSY_MS): Promise<SqliteConnection | undefined> {
  return (await holdsNothing(file, busyMs)) ? undefined : connect(file, busyMs)
}

async function holdsNothing(file: string, busyMs: number): Promise<boolean> {
  const database = await openDatabase(file, busyMs)
  try {
    return isEmpty(database)
  } finally {
    database.close()
  }
}

async function openDatabase(file: string, busyMs: number): Promise<SqliteConnection> {
  const { DatabaseSync } = await sqliteModule()
  const database = new DatabaseSync(file)
  database.exec(`PRAGMA busy_timeout = ${busyMs}`)
  return database
}

/** Milliseconds that a call waits while another process writes. */
const BUSY_MS = 5_000
const BUSY_PAUSE_MS = 10

// If several processes switch a new file to WAL, some fail with "locked" immediately, even with busy_timeout
// (8 of 48 measured).
async function journalAhead(database: SqliteConnection, busyMs: number): Promise<void> {
  const until = monotonicMs() + busyMs
  for (;;) {
    try {
      return database.exec("PRAGMA journal_mode = WAL")
    } catch (error) {
      if (!isBusy(error) || monotonicMs() >= until) throw error
      await pause(BUSY_PAUSE_MS)
    }
  }
}

/** Monotonic clock, in milliseconds. The global `performance` would load all of node:perf_hooks. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}

/** "SNA1", stored in the file's header. It tells a ledger from another program's database. */
const APPLICATION_ID = 0x534e4131

// The triggers apply to every program that writes the file. They also stop INSERT OR REPLACE, which fires no
// DELETE trigger.
const SCHEMA = `
  CREATE TABLE entries (stream TEXT NOT NULL, seq INTEGER NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (stream, seq)) STRICT;
  CREATE TRIGGER entries_are_dense BEFORE INSERT ON entries
    WHEN NEW.seq IS NOT 1 + (SELECT coalesce(max(seq), 0) FROM entries WHERE stream = NEW.stream)
    BEGIN SELECT RAISE(ABORT, 'a ledger entry must be one past the newest'); END;
  CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'ledger entries never change'); END;
  CREATE TRIGGER entries_are_kept BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'ledger entries are never deleted'); END;
  PRAGMA application_id = ${APPLICATION_ID};`

function createLedger(database: SqliteConnection): void {
  database.exec("BEGIN IMMEDIATE")
  // Another process may have created it while this one waited for the lock.
  if (isEmpty(database)) database.exec(SCHEMA)
  database.exec("COMMIT")
}

function isEmpty(database: SqliteConnection): boolean {
  return numberOf(database, "SELECT count(*) AS n FROM sqlite_schema", "n") === 0
}

function checkIsLedger(database: SqliteConnection, file: string): void {
  if (numberOf(database, "PRAGMA application_id", "application_id") === APPLICATION_ID) return
  throw new LedgerError(`${file} is another program's database, not a ledger`)
}

function numberOf(database: SqliteConnection, sql: string, column: string): number {
  return Number(database.prepare(sql).all()[0]?.[column])
}

/**
 * SQLite module for this version of Node.js: its own from 24 on, else the package, which has the same API.
 * Node 22's own module warns on stderr that it is experimental, so it is only the fallback. Throws if there
 * is neither.
 */
export async function sqliteModule(): Promise<SqliteModule> {
  loaded ??= await loadSqlite()
  return loaded
}

/** Module after a successful import. A failed import is tried again by the next call. */
let loaded: SqliteModule | undefined

async function loadSqlite(): Promise<SqliteModule> {
  const builtin: string = "node:sqlite"
  const isThere = isBuiltin(builtin)
  if (isThere && Number.parseInt(process.versions.node, 10) >= 24) return import(builtin)
  try {
    return await import("@photostructure/sqlite")
  } catch (error) {
    // The package is missing, for example in a bundle. Then Node's own module is used, although Node 22 warns
    // that it is experimental.
    if (!isThere) throw error
    return import(builtin)
  }
}
