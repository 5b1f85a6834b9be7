import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import pg from "pg"
import { LedgerError } from "../../ports.ts"
import { Turns } from "../../turns.ts"
import { messageOf } from "../store.ts"
import type { PostgresPlace } from "./url.ts"

export interface PostgresOptions {
  /** Asked for at each new connection where the url holds no password, so that a changed one is noticed. */
  password?: () => Promise<string | null>
  timeouts?: PostgresTimeouts
  /** At most so many connections of one process. */
  connections?: number
}

/** Milliseconds. A hung store must not eat the function's time. */
export interface PostgresTimeouts {
  connectMs: number
  /** For each statement, at the server and at the client. */
  statementMs: number
}

const TIMEOUTS: PostgresTimeouts = { connectMs: 3_000, statementMs: 5_000 }
const CONNECTIONS = 4
/** The client gives the server time to say that a statement took too long. */
const ANSWER_GRACE_MS = 500
/** A function that was frozen, or a firewall, may have lost a connection that rested longer. */
const LONGEST_REST_MS = 20_000

export interface Session {
  query(text: string, values?: unknown[]): Promise<pg.QueryResult>
  /** Ends the transaction. Throws where it is not sure that the entry survives the loss of the primary. */
  commit(): Promise<void>
}

/** Connections to one PostgreSQL database. No statement is ever sent a second time. Connects at its first use. */
export class PostgresConnections {
  readonly #pool: Promise<pg.Pool>
  readonly #restingSince = new WeakMap<pg.PoolClient, number>()
  readonly #begin: string
  readonly #turns: Turns

  constructor(place: PostgresPlace, options: PostgresOptions) {
    const { statementMs } = options.timeouts ?? TIMEOUTS
    // Within the transaction, since a pooler may hand each transaction to another session.
    this.#begin = [
      "begin isolation level read committed",
      `set local statement_timeout = ${statementMs}`,
      "set local synchronous_commit = on",
      "select pg_catalog.pg_is_in_recovery() as recovering",
    ].join("; ")
    this.#turns = new Turns(options.connections ?? CONNECTIONS)
    this.#pool = openPool(place, options)
    // The first request gets the reason.
    this.#pool.catch(() => undefined)
  }

  /** One transaction on the primary. It is rolled back where `work` does not commit. */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#turns.take(() => this.#transact(work))
  }

  async #transact<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const client = await this.#connect().catch((error: unknown) => {
      // A hung database must not take a function's time once for each that waits.
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
      this.#restingSince.set(client, Date.now())
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
      const since = this.#restingSince.get(client)
      if (since === undefined || Date.now() - since <= LONGEST_REST_MS) return client
      client.release(true)
    }
  }

  /** Keeps the connection only where the server itself refused, and so has nothing of ours on its way. */
  async #leave(client: pg.PoolClient, error: unknown): Promise<void> {
    const isInStep = error instanceof pg.DatabaseError || error instanceof LedgerError
    const isClear =
      isInStep &&
      (await client.query("rollback").then(
        () => true,
        () => false,
      ))
    this.#restingSince.set(client, Date.now())
    client.release(!isClear)
  }

  async #beginOnPrimary(client: pg.PoolClient): Promise<void> {
    const results: unknown = await client.query(this.#begin)
    const last: unknown = Array.isArray(results) ? results.at(-1) : results
    const recovering = (last as pg.QueryResult<{ recovering: boolean }>).rows[0]?.recovering
    if (recovering !== false) throw new NotPrimaryError()
  }
}

/** The client gave up waiting; a server that answers says itself that a statement took too long. */
function isUnanswered(error: unknown): boolean {
  return error instanceof Error && error.message === "Query read timeout"
}

/** The server copies another one, and may be behind it. */
export class NotPrimaryError extends Error {
  override readonly name = "NotPrimaryError"
}

/** The server has the entry, but its synchronous standby may not. */
export class NotReplicatedError extends Error {
  override readonly name = "NotReplicatedError"
}

/** The file that `sslrootcert` names is of no use. */
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
    // A time limit would end the wait for the standby, and the server would then report the commit as done.
    await this.#client.query("set local statement_timeout = 0")
    this.#client.on("notice", listen)
    try {
      const { command } = await this.#client.query("commit")
      if (command !== "COMMIT") throw new Error(`the server answered commit with ${command}`)
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
    // The host is named for servers with an address instead of a name.
    ssl: sslmode === "disable" ? false : { ...ca, host, rejectUnauthorized: true },
    connectionTimeoutMillis: connectMs,
    query_timeout: statementMs + ANSWER_GRACE_MS,
    max: options.connections ?? CONNECTIONS,
    idleTimeoutMillis: LONGEST_REST_MS,
    allowExitOnIdle: true,
    keepAlive: true,
    application_name: "supernode-autoscaler",
  })
  // A resting connection that breaks is not used again; the next question opens another one.
  pool.on("error", () => undefined)
  return pool
}

/** With a text that is not a certificate, TLS itself would trust no server and not say so. */
async function certificatesIn(written: string): Promise<string> {
  const path = resolve(written)
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new CertificateFileError(`cannot be read: ${messageOf(cause)}`, { cause })
  })
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text
  throw new CertificateFileError(`${path} holds no certificate in PEM`)
}
