import { setTimeout as pause } from "node:timers/promises"
import { type Answer, makeHandler } from "../../functions/door.ts"
import type { DoorName } from "../../lib/app/app.ts"
import { startApp, systemClock } from "../../lib/app/start.ts"
import type { RunResult } from "../../lib/run/result.ts"
import { contextOf } from "../functions/context.ts"
import { HandoverRecorder } from "./handover.ts"
import { type SoakSupernode, supernodesOf } from "./place.ts"
import { alarmEvent, tickEvent } from "./signals.ts"

// A host that is never left alone: alarms, ticks and people's requests, through the functions' own handlers, until it is
// killed. Workers agree on the times of their signals, so that many are handled by several at once.

const [count = "1", beatMs = "1000", handovers = ""] = process.argv.slice(2)
const supernodes = supernodesOf(Number(count))
/** Nobody waits for a worker that was forgotten. */
const MAX_LIFE_MS = 600_000
const startedAt = Date.now()
/** Every purchase is written down here before its first byte leaves. */
const { clock } = new HandoverRecorder(handovers, systemClock)
/** As functions/alarm.ts and its neighbours make them, but for the clock. */
const door = (name: DoorName) => makeHandler(name, (settings) => startApp(settings, { clock }))
const [alarm, schedule, manual] = [door("alarm"), door("schedule"), door("manual")]

process.once("disconnect", () => process.exit())
process.send?.("ready")
await Promise.all([
  lane(async () => alarm(alarmEvent(anySupernode(), beatOf(Number(beatMs))), contextOf())),
  lane(async () => alarm(alarmEvent(anySupernode(), beatOf(Number(beatMs))), contextOf())),
  lane(async () => schedule(tickEvent(beatOf(1_000)), contextOf())),
  lane(async () => askFor(anySupernode())),
])
process.exit()

async function lane(handle: () => Promise<unknown>): Promise<void> {
  while (Date.now() - startedAt < MAX_LIFE_MS) {
    // What a handler throws is for its platform; whatever it is, the ledger must stay true.
    await handle().catch(() => undefined)
    await pause(Math.random() * 40)
  }
}

function beatOf(ms: number): number {
  return Math.floor(Date.now() / ms) * ms
}

function anySupernode(): SoakSupernode {
  const [one] = supernodes.slice(Math.floor(Math.random() * supernodes.length))
  if (!one) throw new RangeError("there is no supernode")
  return one
}

/** A person looks, looks at a plan, and wants just that: no cooldown and no evidence, only what is in flight is in the way. */
async function askFor({ name }: SoakSupernode): Promise<void> {
  const ask = { supernode: name, requestedBy: "ops", why: "soak", bypassCooldown: true }
  const seen = await firstDeliveryResult({ ...ask, servers: 1 })
  const statuses = seen?.decision.findings.find(({ gate }) => gate === "supernode-ready")?.facts["statuses"]
  if (typeof statuses !== "object" || statuses === null) return
  const wish = { ...ask, servers: Object.keys(statuses).length + 1 }
  const shown = await firstDeliveryResult(wish)
  if (shown?.plan) await manual({ ...wish, mode: "live", planHash: shown.plan.hash }, contextOf())
}

async function firstDeliveryResult(request: unknown): Promise<RunResult | undefined> {
  const answer: Answer = await manual(request, contextOf())
  return "results" in answer ? answer.results[0] : undefined
}
