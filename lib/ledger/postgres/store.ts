import { LedgerError } from "../../ports.ts"
import {
  type Durability,
  type HeadQuery,
  type HeadResult,
  type LedgerStore,
  noLedgerAt,
  type RawEntry,
  type SeqRange,
} from "../store.ts"
import { PostgresConnections, type PostgresOptions, type Session } from "./connection.ts"
import { codeOf, isMissing, postgresFailure } from "./failure.ts"
import { CREATE_TABLE, durabilityOf, isTableThere, TABLE } from "./table.ts"
import type { PostgresPlace } from "./url.ts"

/**
 * A ledger in one table of a PostgreSQL database, version 13 or newer. Every query is its own transaction on
 * the primary, so a pooler in transaction mode may be in between. A missing table reads as a ledger without
 * entries. Connects at its first use. `name` is the url without the password.
 */
export function openPostgresStore(
  name: string,
  place: PostgresPlace,
  options: PostgresOptions = {},
): LedgerStore {
  return new PostgresStore(name, new PostgresConnections(place, options))
}

/** Entries per page. Each has at most 256 KB, so a page has at most 16 MB. */
const PAGE = 64

// The chain has seen the previous entry. The server checks it again, so that no gap is possible.
const APPEND = `
insert into ${TABLE} (stream, seq, entry)
select $1, $2::bigint, $3
where $2::bigint = 1 or exists (select from ${TABLE} where stream = $1 and seq = $2::bigint - 1)
on conflict do nothing`

const HEADS = `
select newest.stream, newest.seq, newest.entry from unnest($1::text[]) as asked(stream)
cross join lateral (
  select stream, seq, entry from ${TABLE} where stream = asked.stream order by seq desc limit 1
) as newest`

class PostgresStore implements LedgerStore {
  readonly #name: string
  readonly #connections: PostgresConnections
  /** Texts whose append had no clear result, by stream and seq. They may be only on the primary. */
  readonly #doubtful = new Map<string, string>()

  constructor(name: string, connections: PostgresConnections) {
    this.#name = name
    this.#connections = connections
  }

  async head(stream: string): Promise<RawEntry | undefined> {
    const text = `select seq, entry from ${TABLE} where stream = $1 order by seq desc limit 1`
    return (await this.#rows(text, [stream])).map(rawOf)[0]
  }

  async heads(queries: readonly HeadQuery[]): Promise<HeadResult[]> {
    const rows = await this.#rows(HEADS, [queries.map(({ stream }) => stream)])
    const byStream = new Map(rows.map((row) => [row.stream, rawOf(row)]))
    return queries.map(({ stream }) => ({ ok: true, raw: byStream.get(stream) }))
  }

  async append(stream: string, { seq, text }: RawEntry): Promise<"appended" | "conflict"> {
    const answer = await this.#ask(async (session) => {
      const { rowCount } = await session.query(APPEND, [stream, seq, text])
      if (rowCount === 0) return "conflict"
      await session.commit()
      return "appended"
    }).catch((error: unknown) => {
      this.#doubtful.set(`${stream}#${seq}`, text)
      throw error
    })
    if (answer === "conflict") this.#doubtful.set(`${stream}#${seq}`, text)
    return answer
  }

  async *read(stream: string, range: SeqRange = {}): AsyncIterable<RawEntry> {
    const to = range.toSeq ?? Number.MAX_SAFE_INTEGER
    const text = `select seq, entry from ${TABLE} where stream = $1 and seq between $2 and $3 order by seq limit ${PAGE}`
    for (let from = range.fromSeq ?? 1; from <= to; ) {
      const rows = (await this.#rows(text, [stream, from, to])).map(rawOf)
      for (const row of rows) await this.#makeSure(stream, row)
      yield* rows
      if (rows.length < PAGE) return
      from = (rows.at(-1)?.seq ?? to) + 1
    }
  }

  async *streams(): AsyncIterable<string> {
    const rows = await this.#rows(`select distinct stream from ${TABLE}`, [])
    for (const { stream } of rows) yield String(stream)
  }

  async create(): Promise<void> {
    await this.#ask(async (session) => {
      if (await isTableThere(session, this.#name)) return
      await session.query(CREATE_TABLE)
      await session.commit()
    }).catch((error: unknown) => {
      // If several processes create the table at once, the server may refuse all but one.
      if (error instanceof LedgerError && !TAKEN.has(codeOf(error.cause))) throw error
    })
  }

  /** Writes an entry of an unused stream, checks that its seq is then taken, and rolls back. */
  async checkWritable(): Promise<void> {
    await this.#ask(async (session) => {
      if (!(await isTableThere(session, this.#name))) throw noLedgerAt(`${this.#name}, table ${TABLE}`)
      const probe = ["writable", 1, ""]
      const first = await session.query(APPEND, probe)
      const second = await session.query(APPEND, probe)
      if (first.rowCount === 1 && second.rowCount === 0) return
      throw new LedgerError(
        `the table ${TABLE} at ${this.#name} does not keep what is written to it: check its triggers and rules`,
      )
    })
  }

  durability(): Promise<Durability> {
    return this.#ask(durabilityOf)
  }

  close(): Promise<void> {
    return this.#connections.close()
  }

  /**
   * For an entry whose append had no clear result. Even if it can be read, it may be only on the primary: a
   * restarted server shows it before the standby has it. A later commit that the standby confirms also covers
   * this entry.
   */
  async #makeSure(stream: string, { seq, text }: RawEntry): Promise<void> {
    const key = `${stream}#${seq}`
    if (this.#doubtful.get(key) === text)
      await this.#ask(async (session) => {
        await session.query("select pg_catalog.pg_logical_emit_message(true, 'supernode-autoscaler', '')")
        await session.commit()
      })
    this.#doubtful.delete(key)
  }

  async #rows(text: string, values: unknown[]): Promise<Row[]> {
    try {
      return await this.#connections.transaction(async (session) => (await session.query(text, values)).rows)
    } catch (error) {
      if (isMissing(error)) return []
      throw postgresFailure(error, this.#name)
    }
  }

  async #ask<T>(work: (session: Session) => Promise<T>): Promise<T> {
    try {
      return await this.#connections.transaction(work)
    } catch (error) {
      if (isMissing(error)) throw noLedgerAt(`${this.#name}, table ${TABLE}`)
      throw postgresFailure(error, this.#name)
    }
  }
}

/** SQLSTATE if another session has just created the table or its type. */
const TAKEN = new Set(["42P07", "23505", "42710"])

interface Row {
  stream?: unknown
  seq?: unknown
  entry?: unknown
}

function rawOf({ seq, entry }: Row): RawEntry {
  return { seq: Number(seq), text: String(entry) }
}
