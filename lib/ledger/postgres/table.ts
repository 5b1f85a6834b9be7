import { LedgerError } from "../../ports.ts"
import type { Session } from "./connection.ts"

/** Contains the schema, because another search_path would lead to another ledger. */
export const TABLE = "public.supernode_ledger"

export const CREATE_TABLE = `create table if not exists ${TABLE} (stream text not null, seq bigint not null, entry text not null, primary key (stream, seq))`

const FORM = `
select
  current_setting('server_encoding') as encoding,
  c.relkind::text as kind,
  c.relpersistence::text as persistence,
  pg_catalog.row_security_active(c.oid) as "hidesRows",
  (select pg_catalog.string_agg(a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod), ', ' order by a.attname)
     from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
  (select pg_catalog.string_agg(a.attname, ', ' order by pg_catalog.array_position(i.indkey::int2[], a.attnum))
     from pg_catalog.pg_index i join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
     where i.indrelid = c.oid and i.indisprimary) as key
from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass($1)`

interface Form {
  encoding: string
  kind: string
  persistence: string
  hidesRows: boolean
  columns: string
  key: string | null
}

/** True if the table exists. Throws LedgerError if it cannot be a ledger. */
export async function isTableThere(session: Session, place: string): Promise<boolean> {
  const form: Form | undefined = (await session.query(FORM, [TABLE])).rows[0]
  if (form === undefined) return false
  const problems = [
    form.kind === "r" ? null : "is not an ordinary table",
    // Such a table is emptied after a crash or at the session's end, and never copied to a standby.
    form.persistence === "p" ? null : "is unlogged or temporary",
    form.columns === "entry text, seq bigint, stream text"
      ? null
      : `has the columns ${form.columns} instead of entry text, seq bigint, stream text`,
    form.key === "stream, seq"
      ? null
      : `has the primary key (${form.key ?? "none"}) instead of (stream, seq)`,
    form.hidesRows ? "hides rows from this user (row security)" : null,
    form.encoding === "UTF8" ? null : `is in a database with the encoding ${form.encoding} instead of UTF8`,
  ].filter((problem) => problem !== null)
  if (problems.length === 0) return true
  throw new LedgerError(`the table ${TABLE} at ${place} cannot be a ledger: it ${problems.join("; it ")}`)
}

const REPLICATION = `
select
  pg_catalog.current_setting('synchronous_standby_names') as names,
  pg_catalog.current_setting('fsync') as fsync,
  (select pg_catalog.count(*)::int from pg_catalog.pg_stat_replication) as standbys,
  (select pg_catalog.count(*)::int from pg_catalog.pg_stat_replication where sync_state in ('sync', 'quorum')) as synchronous,
  (select pg_catalog.count(*)::int from pg_catalog.pg_stat_replication where sync_state is null) as hidden`

interface Replication {
  names: string
  fsync: string
  standbys: number
  synchronous: number
  /** Standbys whose state is hidden: a user without pg_read_all_stats sees only that other users' exist. */
  hidden: number
}

/** `ok` is true if an acknowledged entry survives the loss of the primary; `says` is text for `doctor`. */
export async function durabilityOf(session: Session): Promise<{ ok: boolean | null; says: string }> {
  const { names, fsync, standbys, synchronous, hidden }: Replication = (await session.query(REPLICATION))
    .rows[0]
  if (fsync !== "on")
    return { ok: false, says: "fsync is off: a crash of the server can lose entries. Set fsync = on" }
  if (standbys > 0 && names === "")
    return {
      ok: false,
      says: `none of the connected standbys (${standbys}) is synchronous: a failover can lose acknowledged entries. Set synchronous_standby_names`,
    }
  if (synchronous > 0) return { ok: true, says: "an acknowledged entry is on a synchronous standby" }
  if (hidden > 0)
    return {
      ok: null,
      says: "it is unknown whether a standby is synchronous: this user may not see it. Grant pg_read_all_stats",
    }
  if (standbys > 0) return { ok: false, says: "no standby is synchronous: check synchronous_standby_names" }
  return {
    ok: null,
    says: "no standby is connected; it is unknown whether the storage itself is replicated",
  }
}
