import { randomUUID } from "node:crypto"
import { setTimeout as pause } from "node:timers/promises"
import { systemClock } from "../../../lib/app/start.ts"
import { supernodeStream } from "../../../lib/ledger/next-entry.ts"
import type { Cloud, Ledger, Ports } from "../../../lib/ports.ts"
import { run } from "../../../lib/run/run.ts"
import { atMost } from "../target.ts"
import { openWarm } from "./place.ts"

// Sequential steps of a warm alarm to its order: the longest chain of calls that wait for each other, up to
// the POST itself. 20 ms are added to each call of HTTP and of the ledger. Opening connections is not
// counted. Target: 6.

const STEP_MS = 20
const ALARMS = 5

/** Counts sequential calls. A call's step is one more than the deepest step that has ended before it. */
class Steps {
  deepest = 0
  readonly names: string[] = []

  async within<T>(name: string, work: () => Promise<T>): Promise<T> {
    const step = this.deepest + 1
    this.names[step] = this.names[step] ? `${this.names[step]} + ${name}` : name
    const answer = await work()
    this.deepest = Math.max(this.deepest, step)
    return answer
  }

  /** Adds the delay to the ledger, which is a file. The cloud of the bench delays its responses itself. */
  ofLedger<T>(name: string, work: () => Promise<T>): Promise<T> {
    return this.within(name, async () => {
      await pause(STEP_MS)
      return work()
    })
  }
}

async function alarm(): Promise<{ steps: number; ms: number; names: string[] }> {
  const steps = new Steps()
  const signal = place.nextAlarm()
  const loaded = app.policies.supernodes.find(({ policy }) =>
    policy.alarms.some((one) => "alertmanager" in one && one.alertmanager?.["alertname"] === signal.alarm),
  )
  if (!loaded) throw new Error(`no supernode lists ${signal.alarm}`)
  const startedAt = performance.now()
  let sent: { steps: number; ms: number } | undefined
  const { ledger, cloud } = app
  const delayed: Pick<Ports, "ledger" | "cloud"> = {
    ledger: delayedLedger(ledger, steps),
    cloud: {
      ...cloud,
      readSupernode: (policy) => steps.within("supernode", () => cloud.readSupernode(policy)),
      readMetrics: (question) => steps.within("metrics", () => cloud.readMetrics(question)),
      readOffers: (policy) => steps.within("offers", () => cloud.readOffers(policy)),
      buy: (order) =>
        steps.within("POST", () => {
          sent = { steps: steps.deepest + 1, ms: performance.now() - startedAt }
          return cloud.buy(order)
        }),
    } satisfies Cloud,
  }
  const result = await run(
    {
      ...delayed,
      clock: systemClock,
      notify: null,
      newId: randomUUID,
      lastRuns,
      timeLeftMs: () => Infinity,
    },
    {
      signal,
      exclusive: true,
      loaded,
      mode: "live",
      run: randomUUID(),
      stream: supernodeStream(loaded.policy.id),
      endpoint: place.cloud.url,
      buyTimeoutMs: 60_000,
      sendWithinMs: 30_000,
      fleetStreams: [supernodeStream(loaded.policy.id)],
    },
  )
  if (!sent) throw new Error(`no order: ${result.decision.heldBy}`)
  return { ...sent, names: steps.names.slice(1, sent.steps + 1) }
}

function delayedLedger(ledger: Ledger, steps: Steps): Ledger {
  return {
    head: (stream) => steps.ofLedger(`head ${stream.split(":")[0]}`, () => ledger.head(stream)),
    append: (entry) => steps.ofLedger(`append ${entry.kind}`, () => ledger.append(entry)),
    async *read(stream, range) {
      yield* await steps.ofLedger("read", async () => ledger.read(stream, range))
    },
    streams: () => ledger.streams(),
    close: () => ledger.close(),
  }
}

const place = await openWarm(ALARMS + 1)
const { app } = place
const lastRuns: NonNullable<Ports["lastRuns"]> = new Map()
// The first alarm opens the connections.
await alarm()
await place.cloud.set({ delayMs: STEP_MS })
const ran: Awaited<ReturnType<typeof alarm>>[] = []
for (let nth = 0; nth < ALARMS; nth++) ran.push(await alarm())
const [median] = ran.toSorted((a, b) => a.ms - b.ms).slice(ALARMS >> 1)
console.log(
  `A warm alarm, ${STEP_MS} ms added to each call: its order leaves after ${median?.steps} steps in a row (${atMost(median?.steps ?? Number.NaN, 6)}), ${Math.round(median?.ms ?? 0)} ms: ${median?.names.join(" → ")}`,
)
await place.close()
