import { PGlite } from "@electric-sql/pglite"
import { PGLiteSocketServer } from "@electric-sql/pglite-socket"
import { afterAll, beforeAll, expect, test } from "vitest"
import { openPostgresStore } from "../../../lib/ledger/postgres/store.ts"
import { IS_FULL } from "../../full.ts"
import { freePort } from "../../world/loopback.ts"
import { describeLedgerContract } from "../contract.ts"

// PGlite is PostgreSQL in this process with one session: it shows the effect of statements, but no rivals.
let db: PGlite
let server: PGLiteSocketServer
let port: number

beforeAll(async () => {
  port = await freePort()
  db = await PGlite.create()
  server = new PGLiteSocketServer({ db, port, host: "127.0.0.1", maxConnections: 10 })
  await server.start()
})
afterAll(async () => {
  await server.stop()
  await db.close()
})

const COLUMNS = "stream text not null, seq bigint not null, entry text not null"
const PATIENT = { connectMs: 60_000, statementMs: 60_000 }

function store() {
  const place = { host: "127.0.0.1", port, database: "postgres", user: "postgres", password: null }
  const options = { connections: 1, timeouts: PATIENT }
  return openPostgresStore("postgres://here/db", { ...place, sslmode: "disable", sslrootcert: null }, options)
}

async function withoutTable() {
  await db.exec("drop table if exists public.supernode_ledger")
  return store()
}

// The whole contract is slow over one session: only `npm run test:full` and `npm run postgres` run it.
if (IS_FULL || process.env["POSTGRES_FULL"] === "1")
  describeLedgerContract("postgres (PGlite)", {
    async open() {
      await db.exec(`create table if not exists public.supernode_ledger (${COLUMNS}, primary key (stream, seq));
      delete from public.supernode_ledger`)
      return store()
    },
    absent: withoutTable,
  })

test("an append that would leave a gap is a conflict in the PostgreSQL store itself", async () => {
  const opened = await withoutTable()
  await opened.create()
  expect(await opened.append("control", { seq: 2, text: "{}" })).toBe("conflict")
  expect(await opened.append("control", { seq: 1, text: "{}" })).toBe("appended")
  expect(await opened.append("control", { seq: 2, text: "{}" })).toBe("appended")
  await opened.close()
})

test.each([
  ["without a key", `create table public.supernode_ledger (${COLUMNS})`, /primary key \(none\)/],
  [
    "whose key is only the stream",
    `create table public.supernode_ledger (${COLUMNS}, primary key (stream))`,
    /primary key \(stream\)/,
  ],
  [
    "with another type of seq",
    "create table public.supernode_ledger (stream text, seq integer, entry text, primary key (stream, seq))",
    /columns entry text, seq integer/,
  ],
  [
    "that a crash empties",
    `create unlogged table public.supernode_ledger (${COLUMNS}, primary key (stream, seq))`,
    /unlogged/,
  ],
  [
    "that drops inserted rows",
    `create table public.supernode_ledger (${COLUMNS}, primary key (stream, seq));
     create rule nothing as on insert to public.supernode_ledger do instead nothing`,
    /does not keep what is written/,
  ],
])("a PostgreSQL table %s is refused before anything is written", async (_, sql, problem) => {
  const opened = await withoutTable()
  await db.exec(sql)
  await expect(opened.checkWritable()).rejects.toThrow(problem)
  await opened.close()
})
