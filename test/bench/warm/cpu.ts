import diagnostics from "node:diagnostics_channel"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Client, request } from "undici"
import { entryText } from "../../../lib/ledger/entry.ts"
import { supernodeStream } from "../../../lib/ledger/next-entry.ts"
import { openStore } from "../../../lib/ledger/open.ts"
import { supernodeId } from "../fleet/policy.ts"
import { profiled } from "../fleet/profile.ts"
import { atMost } from "../target.ts"
import { INVOCATION, openWarm } from "./place.ts"

// CPU time of a warm alarm, from its arrival until the cloud's response to its order is read, as a ratio to
// the same requests sent bare by the same client (kept connections for the reads, a separate one for the
// order). Target: 2.5. A second figure is the ratio until the outcome is recorded. A third one has the
// ledger's part on both sides: the bare work then also makes the same statements to the ledger's file, that
// is, reads the heads and appends the same two texts durably. The cloud is another process.

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

/** Processor time of this process when the response to the latest order was read, milliseconds. */
let orderReadAtMs = Number.NaN
diagnostics.subscribe("undici:request:trailers", (message) => {
  const { request: made } = message as { request: { path: string } }
  if (made.path.endsWith("/live-scale-up")) orderReadAtMs = cpuNowMs()
})

function cpuNowMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** The requests of one alarm, as passed to undici. */
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

/**
 * Sends the requests for another supernode each time, since the cloud's responses about one that bought would
 * grow.
 */
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
  const before = cpuNowMs()
  await work()
  return cpuNowMs() - before
}

/** Texts of the entries that a purchase reads and appends. */
async function textsOf(supernode: number): Promise<[before: string, opened: string, settled: string]> {
  const texts: string[] = []
  for await (const entry of place.app.ledger.read(supernodeStream(supernodeId(supernode))))
    texts.push(entryText(entry))
  const [before, opened, settled] = texts.slice(-3)
  if (before === undefined || opened === undefined || settled === undefined)
    throw new Error(`a purchase left ${texts.length} entries`)
  return [before, opened, settled]
}

/** Statements of a purchase to the ledger's file. */
async function bareLedger(stream: string): Promise<void> {
  await Promise.all([store.head(stream), store.head("control")])
  await store.append(stream, { seq: 2, text: opened })
  await store.head("control")
  await store.append(stream, { seq: 3, text: settled })
}

const folder = mkdtempSync(join(tmpdir(), "warm-"))
const store = await openStore(`sqlite:${join(folder, "ledger.db")}`)
await store.create()
const sent = await requestsOf(alarm)
const [before, opened, settled] = await textsOf(0)
await store.append("control", { seq: 1, text: before })
for (let nth = 1; nth < WARM_UP; nth++) {
  await alarm()
  await bare(sent, 10_000 + nth)
}
const times = { order: 0, whole: 0, requests: 0, store: 0 }
await profiled(async () => {
  for (let nth = 0; nth < ALARMS; nth++) {
    const startedAtMs = cpuNowMs()
    times.whole += await cpuMs(alarm)
    times.order += orderReadAtMs - startedAtMs
    times.requests += await cpuMs(() => bare(sent, 20_000 + nth))
    const stream = `supernode:${nth}`
    await store.append(stream, { seq: 1, text: before })
    times.store += await cpuMs(() => bareLedger(stream))
  }
})
const each = (name: keyof typeof times) => times[name] / ALARMS
const ratio = (name: keyof typeof times, bareMs: number) => each(name) / bareMs
console.log(
  `A warm alarm that buys: ${each("order").toFixed(2)} ms of CPU until the response to its order is read, ${each("whole").toFixed(2)} ms until its outcome is recorded; the same ${sent.length} requests sent bare ${each("requests").toFixed(2)} ms, the same statements to the ledger's file ${each("store").toFixed(2)} ms: ratio to the requests ${ratio("order", each("requests")).toFixed(2)} (${atMost(ratio("order", each("requests")), 2.5)}); until the outcome is recorded ${ratio("whole", each("requests")).toFixed(2)}, with the statements on both sides ${ratio("whole", each("requests") + each("store")).toFixed(2)}`,
)
await store.close()
rmSync(folder, { recursive: true })
await place.close()
