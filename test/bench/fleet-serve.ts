import { setTimeout as pause } from "node:timers/promises"
import { Agent, request } from "undici"
import { bundleScript } from "../processes/bundle.ts"
import { OwnProcess } from "../processes/process.ts"
import { FleetCloud } from "./fleet/cloud.ts"
import { alertmanagerBody, FleetPlace, WEBHOOK_TOKEN } from "./fleet/place.ts"
import { atMost } from "./target.ts"

// `serve` gets 50 webhooks per second while 1,000 supernodes tick all the time. Target: the 99th percentile
// of response times is at most 10 times that of a `serve` that is idle otherwise.

const SUPERNODES = 1_000
/** Set fewer on a machine that is busy with other work, which would slow both measurements. */
const PER_SECOND = Number(process.env["BENCH_PER_SECOND"] ?? 50)
const SECONDS = Number(process.env["BENCH_SECONDS"] ?? 12)
const NEVER = "0 0 29 2 *"
const EACH_SECOND = "* * * * * *"

const cloud = await FleetCloud.start()
const place = await FleetPlace.make(cloud, { supernodes: SUPERNODES, fleetActions: null, alertname: "busy" })
const made = await bundleScript("test/bench/fleet/serve-process.ts")
const agent = new Agent({ connections: 128 })
await cloud.set({ load: 10, hanging: null, delayMs: 0 })
const idle = await measure(NEVER)
const ticking = await measure(EACH_SECOND)
console.log(
  `webhook answers, 99th percentile: ${Math.round(idle.p99)} ms idle, ${Math.round(ticking.p99)} ms while ${SUPERNODES} supernodes tick: ${(ticking.p99 / idle.p99).toFixed(1)} times (${atMost(ticking.p99 / idle.p99, 10)}); medians ${Math.round(idle.median)} and ${Math.round(ticking.median)} ms; ${ticking.ticks} ticks ended; refused: ${idle.refused} and ${ticking.refused} of ${PER_SECOND * SECONDS}`,
)
await agent.destroy()
await cloud.close()
made.remove()
place.remove()

interface Answers {
  median: number
  p99: number
  refused: number
  ticks: number
}

async function measure(cron: string): Promise<Answers> {
  const serve = new OwnProcess(made.file, [cron], place.settings)
  const { url } = (await serve.next()) as { url: string }
  // After these ticks everything is compiled, and each chain has an entry.
  if (cron === EACH_SECOND) for (let nth = 0; nth < 2; nth++) await serve.next()
  for (let nth = 0; nth < 50; nth++) await post(url, nth)
  let ticks = 0
  void (async () => {
    for (;;) {
      await serve.next()
      ticks += 1
    }
  })().catch(() => undefined)
  const answers: Promise<{ ms: number; status: number }>[] = []
  const startedAt = performance.now()
  for (let nth = 0; nth < PER_SECOND * SECONDS; nth++) {
    await pause(Math.max(0, startedAt + (nth * 1_000) / PER_SECOND - performance.now()))
    answers.push(post(url, nth))
  }
  const all = await Promise.all(answers)
  serve.signal("SIGKILL")
  await serve.ended
  const times = all.map(({ ms }) => ms).sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor((times.length - 1) * share)] ?? Number.NaN
  return { median: at(0.5), p99: at(0.99), refused: all.filter(({ status }) => status !== 200).length, ticks }
}

async function post(url: string, nth: number): Promise<{ ms: number; status: number }> {
  const startedAt = performance.now()
  const { statusCode, body } = await request(`${url}/alertmanager`, {
    dispatcher: agent,
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${WEBHOOK_TOKEN}` },
    body: JSON.stringify(alertmanagerBody("busy", { from: (nth * 7) % SUPERNODES, count: 1 })),
  })
  await body.dump()
  return { ms: performance.now() - startedAt, status: statusCode }
}
