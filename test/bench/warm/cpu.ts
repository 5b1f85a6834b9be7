import diagnostics from "node:diagnostics_channel"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Client, request } from "undici"
import { openStore } from "../../../lib/ledger/open.ts"
import { supernodeId } from "../fleet/policy.ts"
import { profiled } from "../fleet/profile.ts"
import { INVOCATION, openWarm } from "./place.ts"

// The CPU that a warm alarm takes, from its arrival to the record of its outcome, as a ratio to that of the same requests sent
// bare by the same client: kept connections for the reads, one of its own for the order. The ledger is SQLite, the cloud is
// another process. Target: 2.5.

const WARM_UP = 60
const ALARMS = 120

interface Sent {
  method: string
  origin: string
  path: string
  headers: Record<string, string>
  body: string | null
}

const place = await openWarm(WARM_UP + ALARMS)

async function alarm(): Promise<void> {
  const { results } = await place.app.runSignals([place.nextAlarm()], INVOCATION)
  if (results[0]?.outcome?.kind !== "accepted") throw new Error(`no order: ${results[0]?.decision.heldBy}`)
}

/** The requests of one alarm, as undici is given them. */
async function requestsOf(work: () => Promise<void>): Promise<Sent[]> {
  const sent: Sent[] = []
  const take = (message: unknown) => {
    const { request: made } = message as { request: Sent & { headers: string[] | string } }
    const { method, path, headers, body } = made
    const text = body === null ? null : Buffer.from(body).toString()
    sent.push({ method, origin: place.cloud.url, path, headers: namedHeaders(headers), body: text })
  }
  diagnostics.subscribe("undici:request:create", take)
  await work()
  diagnostics.unsubscribe("undici:request:create", take)
  return sent
}

function namedHeaders(headers: string[] | string): Record<string, string> {
  const lines =
    typeof headers === "string" ? headers.split("\r\n").map((line) => line.split(/: (.*)/s).slice(0, 2)) : []
  const flat = typeof headers === "string" ? lines.flat() : headers
  const pairs = Array.from({ length: flat.length >> 1 }, (_, i) => [flat[2 * i], flat[2 * i + 1]])
  return Object.fromEntries(
    pairs.filter(([name]) => !/^(host|connection|content-length)$/i.test(String(name))),
  )
}

/** For another supernode each time: what the cloud says of one that bought would grow. */
async function bare(sent: readonly Sent[], nth: number): Promise<void> {
  const withId = (text: string) => text.replaceAll(supernodeId(0), supernodeId(nth))
  for (const { method, origin, path, headers, body } of sent) {
    const isOrder = path.endsWith("/live-scale-up")
    const dispatcher = isOrder ? new Client(origin) : undefined
    const answer = await request(`${origin}${withId(path)}`, {
      method: method as "GET",
      headers,
      body: body === null ? null : withId(body),
      ...(dispatcher ? { dispatcher } : {}),
    })
    await answer.body.json()
    await dispatcher?.close()
  }
}

async function cpuMs(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

/** What a purchase asks of the file: three newest entries, and two entries of the usual size. */
async function bareLedger(nth: number): Promise<void> {
  const stream = `supernode:${nth}`
  await Promise.all([store.head(stream), store.head("control")])
  await store.append(stream, { seq: 1, text: ENTRY })
  await store.head("control")
  await store.append(stream, { seq: 2, text: ENTRY })
}

const ENTRY = "e".repeat(6_000)
const folder = mkdtempSync(join(tmpdir(), "warm-"))
const store = await openStore(`sqlite:${join(folder, "ledger.db")}`)
await store.create()
const sent = await requestsOf(alarm)
for (let nth = 1; nth < WARM_UP; nth++) {
  await alarm()
  await bare(sent, 10_000 + nth)
}
const times = { ours: 0, theirs: 0, store: 0 }
await profiled(async () => {
  for (let nth = 0; nth < ALARMS; nth++) {
    times.ours += await cpuMs(alarm)
    times.theirs += await cpuMs(() => bare(sent, 20_000 + nth))
    times.store += await cpuMs(() => bareLedger(nth))
  }
})
console.log(
  `A warm alarm that buys: ${(times.ours / ALARMS).toFixed(2)} ms of CPU, the same ${sent.length} requests sent bare ${(times.theirs / ALARMS).toFixed(2)} ms, ratio ${(times.ours / times.theirs).toFixed(2)} (target 2.5); its questions to the ledger's file alone take ${(times.store / ALARMS).toFixed(2)} ms, with them the ratio is ${(times.ours / (times.theirs + times.store)).toFixed(2)}`,
)
await store.close()
rmSync(folder, { recursive: true })
await place.close()
