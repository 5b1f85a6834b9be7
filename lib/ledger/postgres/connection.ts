import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import pg from "pg"
import { LedgerError } from "../../ports.ts"
import { Turns } from "../../turns.ts"
import { messageOf } from "../store.ts"
import type { PostgresPlace } from "./url.ts"

export interface PostgresOptions {
  /** Called for each new connection if the url has no password, so that a changed password is used. */
  password?: () => Promise<string | null>
  timeouts?: PostgresTimeouts
  /** Maximum connections of one process. Defaults to 4. */
  connections?: number
}

/** In milliseconds. A store that hangs must not use up the function's time. */
export interface PostgresTimeouts {
  connectMs: number
  /** Limit for each statement, in the server and in the client. */
  statementMs: number
}

const TIMEOUTS: PostgresTimeouts = { connectMs: 3_000, statementMs: 5_000 }
const CONNECTIONS = 4
/** Extra wait in the client, so that the server can report first that a statement took too long. */
const ANSWER_GRACE_MS = 500
/** Maximum idle time. After a longer one, a frozen function or a firewall may have lost the connection. */
const MAX_IDLE_MS = 20_000

export interface Session {
  query(text: string, values?: unknown[]): Promise<pg.QueryResult>
  /** Commits the transaction. Throws unless it is certain that the entry survives the loss of the primary. */
  commit(): Promise<void>
}

/** Connections to one PostgreSQL database. Never sends a statement twice. Connects at its first use. */
export class PostgresConnections {
  readonly #pool: Promise<pg.Pool>
  readonly #idleSince = new WeakMap<pg.PoolClient, number>()
  readonly #begin: string
  readonly #turns: Turns

  constructor(place: PostgresPlace, options: PostgresOptions) {
    const { statementMs } = options.timeouts ?? TIMEOUTS
    // Settings are part of the transaction, because a pooler may give each transaction to another session.
    this.#begin = [
      "begin isolation level read committed",
      `set local statement_timeout = ${statementMs}`,
      "set local synchronous_commit = on",
      "select pg_catalog.pg_is_in_recovery() as recovering",
    ].join("; ")
    this.#turns = new Turns(options.connections ?? CONNECTIONS)
    this.#pool = openPool(place, options)
    // The first transaction reports the error; this only prevents an unhandled rejection.
    this.#pool.catch(() => undefined)
  }

  /** Runs one transaction on the primary, and rolls it back if `work` does not commit. */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#turns.take(() => this.#transact(work))
  }

  async #transact<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const client = await this.#connect().catch((error: unknown) => {
      // If the database hangs, waiting callers must fail now and not time out one after another.
      this.#turns.failWaiting(error)
      throw error
    })
    const ignored = () => undefined
    client.on("error", ignored)
    try {
      await this.#beginOnPrimary(client)
      const session = new Transaction(client)
      const done = await work(session)
      if (!session.isCommitted) await client.query("rollback")
      this.#idleSince.set(client, Date.now())
      client.release()
      return done
    } catch (error) {
      if (isUnanswered(error)) this.#turns.failWaiting(error)
      await this.#leave(client, error)
      throw error
    } finally {
      client.off("error", ignored)
    }
  }

  async close(): Promise<void> {
    const pool = await this.#pool.catch(() => null)
    await pool?.end()
  }

  async #connect(): Promise<pg.PoolClient> {
    const pool = await this.#pool
    for (;;) {
      const client = await pool.connect()
      const since = this.#idleSince.get(client)
      if (since === undefined || Date.now() - since <= MAX_IDLE_MS) return client
      client.release(true)
    }
  }

  /** Keeps the connection only if no statement of ours can still be in flight, and the rollback succeeds. */
  async #leave(client: pg.PoolClient, error: unknown): Promise<void> {
    const isInStep = error instanceof pg.DatabaseError || error instanceof LedgerError
    const isClear =
      isInStep &&
      (await client.query("rollback").then(
        () => true,
        () => false,
      ))
    this.#idleSince.set(client, Date.now())
    client.release(!isClear)
  }

  async #beginOnPrimary(client: pg.PoolClient): Promise<void> {
    const results: unknown = await client.query(this.#begin)
    const last: unknown = Array.isArray(results) ? results.at(-1) : results
    const recovering = (last as pg.QueryResult<{ recovering: boolean }>).rows[0]?.recovering
    if (recovering !== false) throw new NotPrimaryError()
  }
}

/** True if the client gave up waiting. A server that responds reports a slow statement with its own error. */
function isUnanswered(error: unknown): boolean {
  return error instanceof Error && error.message === "Query read timeout"
}

/** The server is a standby, and may be behind its primary. */
export class NotPrimaryError extends Error {
  override readonly name = "NotPrimaryError"
}

/** The server has the entry, but its synchronous standby may not. */
export class NotReplicatedError extends Error {
  override readonly name = "NotReplicatedError"
}

/** The file that `sslrootcert` names is unreadable or has no certificate. */
export class CertificateFileError extends Error {
  override readonly name = "CertificateFileError"
}

class Transaction implements Session {
  readonly #client: pg.PoolClient
  isCommitted = false

  constructor(client: pg.PoolClient) {
    this.#client = client
  }

  query(text: string, values: unknown[] = []): Promise<pg.QueryResult> {
    return this.#client.query(text, values)
  }

  async commit(): Promise<void> {
    const warnings: string[] = []
    const listen = (notice: { message?: string | undefined }) => warnings.push(notice.message ?? "")
    // A statement timeout would end the wait for the standby, and the server would still report success.
    await this.#client.query("set local statement_timeout = 0")
    this.#client.on("notice", listen)
    try {
      const { command } = await this.#client.query("commit")
      if (command !== "COMMIT") throw new Error(`the server responded to commit with ${command}`)
    } finally {
      this.#client.off("notice", listen)
    }
    if (warnings.length > 0) throw new NotReplicatedError(warnings.join("; "))
    this.isCommitted = true
  }
}

async function openPool(place: PostgresPlace, options: PostgresOptions): Promise<pg.Pool> {
  const { host, port, database, user, password, sslmode, sslrootcert } = place
  const { connectMs, statementMs } = options.timeouts ?? TIMEOUTS
  const ca = sslrootcert === null ? {} : { ca: await certificatesIn(sslrootcert) }
  const pool = new pg.Pool({
    host,
    port,
    database,
    user,
    password: async () => password ?? (await options.password?.()) ?? "",
    // If the host is an IP address, TLS needs `host` to check the certificate against it.
    ssl: sslmode === "disable" ? false : { ...ca, host, rejectUnauthorized: true },
    connectionTimeoutMillis: connectMs,
    query_timeout: statementMs + ANSWER_GRACE_MS,
    max: options.connections ?? CONNECTIONS,
    idleTimeoutMillis: MAX_IDLE_MS,
    allowExitOnIdle: true,
    keepAlive: true,
    application_name: "supernode-autoscaler",
  })
  // If an idle connection breaks, the pool drops it and the next transaction opens a new one.
  pool.on("error", () => undefined)
  return pool
}

/** Text of a certificate file. Throws if it has no certificate: TLS would then silently trust no server. */
async function certificatesIn(written: string): Promise<string> {
  const path = resolve(written)
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new CertificateFileError(`cannot be read: ${messageOf(cause)}`, { cause })
  })
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text
  throw new CertificateFileError(`${path} contains no PEM certificate`)
}
