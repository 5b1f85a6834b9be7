import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { generate } from "selfsigned"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type OpenLedgerOptions, openLedger, openStore } from "../../../lib/ledger/open.ts"
import { LedgerError } from "../../../lib/ports.ts"
import { cliFixture } from "../../cli/harness.ts"
import { describeLedgerContract } from "../contract.ts"
import { chainOf, collect, entryAfter, STREAM } from "../entries.ts"
import { type Child, startChild } from "../sqlite/child.ts"
import { type CommitFate, PostgresProxy } from "./proxy.ts"
import { PostgresServer, SERVER_PROGRAMS, startPooler } from "./server.ts"

const isWanted = Boolean(process.env["POSTGRES_FULL"])
if (isWanted && SERVER_PROGRAMS === null)
  console.warn(
    "SKIPPED: no PostgreSQL server in /usr/lib/postgresql; install Debian's postgresql to run these tests",
  )

const timeouts = (statementMs: number): OpenLedgerOptions => ({
  postgres: { timeouts: { connectMs: 60_000, statementMs } },
})
const PATIENT = timeouts(600_000)
/** For requests that only a time limit ends. */
const HASTY = timeouts(1_000)

/** Output of `doctor` for a ledger that an operator initialises at this URL. */
async function doctorOver(url: string): Promise<string> {
  const own = cliFixture(undefined, { withoutLedger: true })
  own.env["SUPERNODE_LEDGER"] = url
  const made = await own.run("ledger", "init", "--why", "first installation", "--by", "ops")
  expect(made).toMatchObject({ code: 0 })
  const { out, err } = await own.run("doctor")
  return out + err
}

describe.skipIf(!isWanted || SERVER_PROGRAMS === null)("a real PostgreSQL server", () => {
  const server = new PostgresServer()
  beforeAll(async () => {
    server.init()
    await server.start()
  })
  afterAll(async () => server.stop())

  const newUrl = async () => server.urlOf(await server.newDatabase())
  async function created(url: string) {
    const store = await openStore(url, PATIENT)
    await store.create()
    return store
  }

  describeLedgerContract("postgres (server)", {
    open: async () => created(await newUrl()),
    absent: async () => openStore(await newUrl(), PATIENT),
  })

  test("if many PostgreSQL connections append one seq at once, exactly one append succeeds", async () => {
    const url = await newUrl()
    await (await created(url)).close()
    const ledgers = await Promise.all(Array.from({ length: 20 }, () => openLedger(url, PATIENT)))
    for (let seq = 1, before = entryAfter(undefined); seq <= 10; seq++) {
      const entries = ledgers.map(() => (seq === 1 ? entryAfter(undefined) : entryAfter(before)))
      const answers = await Promise.all(
        ledgers.map((ledger, nth) => ledger.append(entries[nth] ?? entryAfter(undefined))),
      )
      expect(answers.filter((answer) => answer === "appended")).toHaveLength(1)
      before = entries[answers.indexOf("appended")] ?? before
    }
    expect(await ledgers[0]?.verify(STREAM)).toMatchObject({ ok: true, entries: 10 })
    await Promise.all(ledgers.map((ledger) => ledger.close()))
  })

  test("processes that append to PostgreSQL until they are killed leave no gap and no fork, and get true results", async () => {
    const url = await newUrl()
    await (await created(url)).close()
    const children = await Promise.all(
      Array.from({ length: 3 }, () => startChild("appender", [url, STREAM, "1000"])),
    )
    for (const child of children) expect(await child.line()).toBe("ready")
    for (const child of children) child.go()
    const said = await Promise.all(children.map((child, nth) => linesUntil(child, 40 + 20 * nth)))
    await sound(url, said.flat(), children.length)
  })

  describe("a commit through a proxy that breaks the connection", () => {
    async function appendThrough(fates: CommitFate[], rival = false) {
      const url = await newUrl()
      await (await created(url)).close()
      const proxy = new PostgresProxy(server.port, fates)
      const far = new URL(url)
      far.port = String(await proxy.start())
      const ledger = await openLedger(far.href, fates.includes("hang-after") ? HASTY : PATIENT)
      const direct = await openLedger(url, PATIENT)
      const entry = entryAfter(undefined)
      await ledger.head(STREAM)
      if (rival) await direct.append(entryAfter(undefined, { run: "rival" }))
      const said = await ledger.append(entry).catch((error: unknown) => error)
      const stored = await collect(direct.read(STREAM))
      await Promise.all([ledger.close(), direct.close()])
      await proxy.stop()
      return { said, isOurs: stored[0]?.hash === entry.hash, entries: stored.length }
    }

    test.each<[string, CommitFate[]]>([
      ["a PostgreSQL append cut off after the commit is found and counts as appended", ["drop-answer"]],
      ["a PostgreSQL append without a response after the commit counts as appended", ["hang-after"]],
      ["a PostgreSQL append cut off before the commit is sent again", ["drop-request"]],
      [
        "a PostgreSQL append cut off before the commit, and then after it, counts as appended",
        ["drop-request", "drop-answer"],
      ],
    ])("%s", async (_, fates) => {
      expect(await appendThrough(fates)).toEqual({ said: "appended", isOurs: true, entries: 1 })
    })

    test("a PostgreSQL append cut off after the commit is a conflict if a rival has the seq", async () => {
      expect(await appendThrough(["drop-answer"], true)).toEqual({
        said: "conflict",
        isOurs: false,
        entries: 1,
      })
    })

    test("a PostgreSQL append whose commit never arrives throws, and nothing is written", async () => {
      const { said, entries } = await appendThrough(["drop-request", "drop-request", "drop-request"])
      expect(said).toBeInstanceOf(LedgerError)
      expect(entries).toBe(0)
    })
  })

  test("processes get true results through a PostgreSQL pooler in transaction mode", async (context) => {
    const pooler = await startPooler(server)
    if (pooler === null) {
      console.warn("SKIPPED: no pgbouncer is installed")
      return context.skip()
    }
    const database = await server.newDatabase()
    await (await created(server.urlOf(database))).close()
    const url = server.urlOf(database, pooler.port)
    const children = await Promise.all(
      Array.from({ length: 3 }, () => startChild("appender", [url, STREAM, "30"])),
    )
    for (const child of children) expect(await child.line()).toBe("ready")
    for (const child of children) child.go()
    const said = (await Promise.all(children.map((child) => child.linesToEnd()))).flat()
    await sound(url, said, 0)
    await pooler.stop()
  })

  test("a PostgreSQL server without TLS is refused unless the URL says sslmode=disable", async () => {
    const ledger = await openLedger((await newUrl()).replace("?sslmode=disable", ""), PATIENT)
    await expect(ledger.head(STREAM)).rejects.toThrow(/does not support SSL/)
    await ledger.close()
  })

  test("a read-only PostgreSQL user fails the check for writing, with a reference to the needed rights", async () => {
    const database = await server.newDatabase()
    await (await created(server.urlOf(database))).close()
    await server.sql("create role reader login", database)
    await server.sql("grant select on public.supernode_ledger to reader", database)
    const ledger = await openLedger(server.urlOf(database).replace("ledger@", "reader@"), PATIENT)
    expect(await ledger.head(STREAM)).toBeUndefined()
    await expect(ledger.checkWritable()).rejects.toThrow(/required privileges; see docs\/ledger-stores.md/)
    await ledger.close()
  })

  test("runs on PostgreSQL need only the rights select and insert", async () => {
    const database = await server.newDatabase()
    await (await created(server.urlOf(database))).close()
    await server.sql("create role runner login", database)
    await server.sql("grant select, insert on public.supernode_ledger to runner", database)
    const ledger = await openLedger(server.urlOf(database).replace("ledger@", "runner@"), PATIENT)
    await ledger.create()
    await ledger.checkWritable()
    for (const entry of chainOf(3)) expect(await ledger.append(entry)).toBe("appended")
    expect(await ledger.append(entryAfter(undefined))).toBe("conflict")
    expect(await ledger.durability()).toMatchObject({ ok: null })
    await ledger.close()
  })

  test("row security in PostgreSQL is refused, because a hidden head would look like an empty ledger", async () => {
    const database = await server.newDatabase()
    await (await created(server.urlOf(database))).close()
    await server.sql("create role half login", database)
    await server.sql("grant select, insert on public.supernode_ledger to half", database)
    await server.sql("alter table public.supernode_ledger enable row level security", database)
    const ledger = await openLedger(server.urlOf(database).replace("ledger@", "half@"), PATIENT)
    await expect(ledger.checkWritable()).rejects.toThrow(/row security/)
    await ledger.close()
  })
})

describe.skipIf(!isWanted || SERVER_PROGRAMS === null)("a PostgreSQL primary with a standby", () => {
  async function pair(synchronous: string) {
    const primary = new PostgresServer()
    primary.init()
    await primary.start()
    const standby = new PostgresServer()
    standby.copyOf(primary, "standby")
    await standby.start()
    const url = primary.urlOf("postgres")
    const store = await openStore(url, PATIENT)
    await store.create()
    await store.close()
    await primary.sql(`alter system set synchronous_standby_names = '${synchronous}'`)
    await primary.sql("select pg_reload_conf()")
    const wanted = synchronous === "" ? "async" : "sync"
    while ((await primary.sql("select sync_state from pg_stat_replication"))[0]?.["sync_state"] !== wanted);
    const stop = async () => {
      await standby.stop()
      await primary.stop()
    }
    return { primary, standby, url, stop }
  }

  test("a PostgreSQL standby is refused, and doctor warns if no standby is synchronous", async () => {
    const { standby, url, stop } = await pair("")
    const [far, near] = [await openLedger(standby.urlOf("postgres"), PATIENT), await openLedger(url, PATIENT)]
    for (const ask of [
      () => far.head(STREAM),
      () => collect(far.read(STREAM)),
      () => far.append(entryAfter(undefined)),
    ])
      await expect(ask()).rejects.toThrow(/is a standby .*name the address of the primary/)
    expect(await near.durability()).toMatchObject({ ok: false, says: /none synchronous/ })
    expect(await doctorOver(url)).toContain(
      "none of the connected standbys (1) is synchronous: a failover can lose",
    )
    await Promise.all([far.close(), near.close()])
    await stop()
  })

  test("every acknowledged append survives a PostgreSQL failover in the middle of appends", async () => {
    const { primary, standby, url, stop } = await pair("standby")
    const ledger = await openLedger(url, PATIENT)
    expect(await ledger.durability()).toMatchObject({ ok: true })
    expect(await doctorOver(url)).toContain(
      "readable and writable; 1 of 2 streams has entries; an acknowledged entry is on a synchronous standby",
    )
    await ledger.close()
    const child = await startChild("appender", [url, STREAM, "100000"])
    expect(await child.line()).toBe("ready")
    child.go()
    const said: string[] = []
    while (said.length < 30) said.push(await child.line())
    await primary.kill()
    said.push(...(await child.kill()))
    await standby.sql("select pg_promote()")
    await sound(standby.urlOf("postgres"), said, 1)
    await stop()
  })

  test("an append that reached only the PostgreSQL primary is an error, however the wait for the standby ends", async () => {
    const { primary, standby, url, stop } = await pair("standby")
    await standby.kill()
    const ledger = await openLedger(url, HASTY)
    const entry = entryAfter(undefined)
    const trying = ledger.append(entry).catch((error: unknown) => error)
    const cancelling = setInterval(() => {
      const waiting = "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'"
      primary.sql(waiting).catch(() => undefined)
    }, 300)
    expect(await trying).toBeInstanceOf(LedgerError)
    clearInterval(cancelling)
    // The entry is stored, but could be lost with the primary.
    expect(await primary.sql("select seq from supernode_ledger")).toHaveLength(1)
    await ledger.close()
    await stop()
  })

  test("a PostgreSQL server killed in the middle of appends keeps the appends that it acknowledged", async () => {
    const server = new PostgresServer()
    server.init()
    await server.start()
    const url = server.urlOf("postgres")
    const store = await openStore(url, PATIENT)
    await store.create()
    await store.close()
    const child = await startChild("appender", [url, STREAM, "100000"])
    expect(await child.line()).toBe("ready")
    child.go()
    const said: string[] = []
    while (said.length < 30) said.push(await child.line())
    await server.kill()
    said.push(...(await child.kill()))
    await server.start()
    await sound(url, said, 1)
    await server.stop()
  })
})

async function linesUntil(child: Child, count: number): Promise<string[]> {
  const lines: string[] = []
  while (lines.length < count) lines.push(await child.line())
  return [...lines, ...(await child.kill())]
}

/** Checks that the chain verifies, contains all that was acknowledged, and at most `unheard` entries more. */
async function sound(url: string, said: string[], unheard: number): Promise<void> {
  const ledger = await openLedger(url, PATIENT)
  const stored = (await collect(ledger.read(STREAM))).map(({ seq, writer }) => `${seq} ${writer}`)
  expect(await ledger.verify(STREAM)).toMatchObject({ ok: true, entries: stored.length })
  await ledger.close()
  const of = (answer: string) =>
    said.filter((line) => line.startsWith(`${answer} `)).map((line) => line.slice(answer.length + 1))
  const won = of("appended")
  expect(won.filter((one) => !stored.includes(one))).toEqual([])
  expect(new Set(won).size).toBe(won.length)
  expect(of("conflict").filter((one) => stored.includes(one))).toEqual([])
  expect(stored.length - won.length).toBeLessThanOrEqual(unheard)
  expect(won.length).toBeGreaterThan(0)
}

describe.skipIf(!isWanted || SERVER_PROGRAMS === null)("a PostgreSQL server with TLS", () => {
  const server = new PostgresServer()
  const file = (name: string) => join(server.folder, name)
  const reach = async (host: string, cert: string | null) => {
    const rootcert = cert === null ? "" : `?sslrootcert=${encodeURIComponent(file(cert))}`
    const ledger = await openLedger(
      `postgres://ledger:any@${host}:${server.port}/postgres${rootcert}`,
      PATIENT,
    )
    const said = await ledger.head(STREAM).then(() => "read", String)
    await ledger.close()
    return said
  }

  beforeAll(async () => {
    const own = await certificateFor([{ type: 7, ip: "127.0.0.1" }])
    const other = await certificateFor([{ type: 7, ip: "127.0.0.1" }])
    server.init()
    writeFileSync(file("other.pem"), other.cert)
    writeFileSync(file("own.pem"), own.cert)
    server.keep("server.key", own.private)
    await server.start({ ssl: "on", ssl_cert_file: file("own.pem"), ssl_key_file: file("server.key") })
  })
  afterAll(async () => server.stop())

  test.each([
    ["a PostgreSQL server's trusted certificate for this host is accepted", "127.0.0.1", "own.pem", /^read$/],
    [
      "a PostgreSQL server's certificate for another host is refused",
      "localhost",
      "own.pem",
      /cannot be reached.*altnames/,
    ],
    [
      "a PostgreSQL server's certificate of another issuer is refused",
      "127.0.0.1",
      "other.pem",
      /cannot be reached|answered/,
    ],
    [
      "a PostgreSQL server's self-signed certificate is refused without a trusted root",
      "127.0.0.1",
      null,
      /self-signed/,
    ],
  ])("%s", async (_, host, cert, says) => {
    expect(await reach(host, cert)).toMatch(says)
  })
})

function certificateFor(altNames: { type: 7; ip: string }[]) {
  return generate([{ name: "commonName", value: "ledger" }], {
    extensions: [{ name: "subjectAltName", altNames }],
  })
}
