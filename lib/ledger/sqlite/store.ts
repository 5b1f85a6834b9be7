import { closeSync, mkdirSync, openSync, statSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { LedgerError } from "../../ports.ts"
import {
  type HeadQuery,
  type HeadResult,
  type LedgerStore,
  noLedgerAt,
  type RawEntry,
  type SeqRange,
} from "../store.ts"
import {
  connect,
  connectToLedger,
  type SqliteConnection,
  type SqliteStatement,
  sqliteModule,
} from "./connection.ts"
import { sqliteFailure } from "./failure.ts"

/**
 * A ledger in one file, for one host. Not for a network file system, where locks and WAL do not work.
 * Only `create` makes the file. A missing or empty file reads as a ledger without entries.
 * `busyMs` is the time that a call waits while another process writes, in milliseconds.
 * Throws LedgerError if the file is not a ledger.
 */
export async function openSqliteStore(path: string, busyMs?: number): Promise<LedgerStore> {
  const file = resolve(path)
  const store = new SqliteStore(file, busyMs)
  try {
    checkIsNoDirectory(file)
    // Loads the module even if there is no file yet, so that a missing package is reported before any decision.
    await sqliteModule()
    await store.look()
  } catch (error) {
    throw sqliteFailure(error, file)
  }
  return store
}

/** Rows per page. Each has at most 256 KB, so a page has at most 16 MB. */
const PAGE_ROWS = 64

class SqliteStore implements LedgerStore {
  readonly #file: string
  readonly #busyMs: number | undefined
  #connection: Promise<Opened | undefined> | undefined

  constructor(file: string, busyMs: number | undefined) {
    this.#file = file
    this.#busyMs = busyMs
  }

  async head(stream: string): Promise<RawEntry | undefined> {
    const opened = await this.look()
    if (opened === undefined) return undefined
    const [row] = this.#translated(() => opened.head.all(stream))
    return row === undefined ? undefined : rawOf(row)
  }

  async heads(queries: readonly HeadQuery[]): Promise<HeadResult[]> {
    const opened = await this.look()
    if (opened === undefined) return queries.map(() => ({ ok: true, raw: undefined }))
    const rows = this.#translated(() => opened.heads.all(JSON.stringify(queries.map(({ stream }) => stream))))
    const byStream = new Map(rows.map((row) => [row["stream"], rawOf(row)]))
    return queries.map(({ stream }) => ({ ok: true, raw: byStream.get(stream) }))
  }

  async append(stream: string, raw: RawEntry): Promise<"appended" | "conflict"> {
    const opened = await this.#needed()
    return this.#translated(() => appendIfNext(opened, stream, raw))
  }

  async *read(stream: string, range: SeqRange = {}): AsyncIterable<RawEntry> {
    const toSeq = range.toSeq ?? Number.MAX_SAFE_INTEGER
    let fromSeq = range.fromSeq ?? 1
    for (;;) {
      const opened = await this.look()
      if (opened === undefined) return
      const rows = this.#translated(() => opened.range.all(stream, fromSeq, toSeq, PAGE_ROWS)).map(rawOf)
      yield* rows
      const last = rows.at(-1)
      if (last === undefined || rows.length < PAGE_ROWS) return
      fromSeq = last.seq + 1
    }
  }

  async *streams(): AsyncIterable<string> {
    const opened = await this.look()
    if (opened === undefined) return
    for (const row of this.#translated(() => opened.streams.all())) yield String(row["stream"])
  }

  async close(): Promise<void> {
    const opened = await this.#connection?.catch(() => undefined)
    this.#connection = undefined
    if (opened === undefined) return
    leaveOneFile(opened.database)
    opened.database.close()
  }

  async create(): Promise<void> {
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 })
      // SQLite gives its log files the mode of this file.
      closeSync(openSync(this.#file, "a", 0o600))
    } catch (error) {
      throw sqliteFailure(error, this.#file)
    }
    if ((await this.look()) === undefined) await this.#open({ mayCreate: true })
  }

  async checkWritable(): Promise<void> {
    const opened = await this.#needed()
    this.#translated(() => tryAppending(opened))
  }

  async #needed(): Promise<Opened> {
    const opened = await this.look()
    if (opened === undefined) throw noLedgerAt(`sqlite:${this.#file}`)
    return opened
  }

  /** The open ledger; undefined while the file is missing or empty. */
  async look(): Promise<Opened | undefined> {
    const stat = () => statSync(this.#file, { throwIfNoEntry: false })
    const opened = await (this.#connection ?? (stat() === undefined ? undefined : this.#open()))
    if (opened === undefined) return undefined
    // A deleted or replaced file stays writable through our handle. Two processes could hold separate locks.
    if (stat()?.ino === opened.inode) return opened
    throw new LedgerError(`${this.#file} was deleted or replaced while it was in use`)
  }

  #open({ mayCreate } = { mayCreate: false }): Promise<Opened | undefined> {
    const connection = this.#connection ?? this.#connect(mayCreate)
    this.#connection = connection
    return connection
  }

  async #connect(mayCreate: boolean): Promise<Opened | undefined> {
    try {
      const connecting = mayCreate ? connect : connectToLedger
      const database = await connecting(this.#file, this.#busyMs)
      // After an empty file or a failure, the next call tries again.
      if (!database) this.#connection = undefined
      return database && prepare(database, this.#file)
    } catch (error) {
      this.#connection = undefined
      throw sqliteFailure(error, this.#file)
    }
  }

  #translated<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw sqliteFailure(error, this.#file)
    }
  }
}

interface Opened {
  database: SqliteConnection
  inode: number
  head: SqliteStatement
  heads: SqliteStatement
  newest: SqliteStatement
  append: SqliteStatement
  insert: SqliteStatement
  range: SqliteStatement
  streams: SqliteStatement
}

/** Newest entries of the streams in a JSON list. */
const HEADS = `
  SELECT newest.stream, newest.seq, newest.entry FROM json_each(?) AS asked
  JOIN entries AS newest ON newest.stream = asked.value
    AND newest.seq = (SELECT max(seq) FROM entries WHERE stream = asked.value)`

/** Adds a row only if its seq is the next one. */
const APPEND = `
  INSERT INTO entries (stream, seq, entry) SELECT ?, ?, ?
  WHERE ? = 1 + (SELECT coalesce(max(seq), 0) FROM entries WHERE stream = ?)`

function prepare(database: SqliteConnection, file: string): Opened {
  const where = "FROM entries WHERE stream = ?"
  return {
    database,
    inode: statSync(file).ino,
    head: database.prepare(`SELECT seq, entry ${where} ORDER BY seq DESC LIMIT 1`),
    heads: database.prepare(HEADS),
    newest: database.prepare(`SELECT coalesce(max(seq), 0) AS seq ${where}`),
    append: database.prepare(APPEND),
    insert: database.prepare("INSERT INTO entries (stream, seq, entry) VALUES (?, ?, ?)"),
    range: database.prepare(`SELECT seq, entry ${where} AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?`),
    streams: database.prepare("SELECT DISTINCT stream FROM entries"),
  }
}

// One statement is one transaction. Because it writes, it takes the write lock before it reads the newest
// seq. No other writer can come in between.
function appendIfNext({ append }: Opened, stream: string, { seq, text }: RawEntry) {
  const { changes } = append.run(stream, seq, text, seq, stream)
  return Number(changes) === 1 ? "appended" : "conflict"
}

/** Appends an entry and rolls it back. Whatever prevents this would also prevent a real append. */
function tryAppending({ database, newest, insert }: Opened): void {
  database.exec("BEGIN IMMEDIATE")
  try {
    insert.run("control", Number(newest.all("control")[0]?.["seq"]) + 1, "")
  } finally {
    rollBack(database)
  }
}

// Some failures have already ended the transaction. ROLLBACK then fails too; the first error is reported.
function rollBack(database: SqliteConnection): void {
  try {
    database.exec("ROLLBACK")
  } catch {}
}

// The Node 20 package does not remove its log file at close. After this checkpoint, the ledger's file alone
// is a complete copy. If it fails nothing is lost, because the log is read at the next opening.
function leaveOneFile(database: SqliteConnection): void {
  try {
    database.exec("PRAGMA wal_checkpoint(PASSIVE)")
  } catch {}
}

function rawOf(row: Record<string, unknown>): RawEntry {
  return { seq: Number(row["seq"]), text: String(row["entry"]) }
}

function checkIsNoDirectory(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
    throw new LedgerError(`the ledger ${file} is a directory; name a file in it`)
  }
}
