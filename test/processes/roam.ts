import { setTimeout as pause } from "node:timers/promises"
import type { DoorHandler, DoorResponse } from "../../functions/door.ts"
import type { DoorName } from "../../lib/app/app.ts"
import type { RunResult } from "../../lib/run/result.ts"
import { contextOf } from "../functions/context.ts"
import { alarmEvent, tickEvent } from "./signals.ts"
import { type SoakSupernode, supernodesOf } from "./soak-supernodes.ts"

// A host that is never left alone: alarms, ticks and people's requests, through the functions' own handlers, until it is
// killed. Workers agree on the times of their signals, so that many are handled by several at once.

type Doors = Readonly<Record<Exclude<DoorName, "any">, DoorHandler>>

/** A forgotten worker is not waited for. */
const MAX_LIFE_MS = 600_000

/** `beatMs`: how far apart the times of alarms are. */
export async function roam(
  doors: Doors,
  { supernodes: count, beatMs }: { supernodes: number; beatMs: number },
) {
  const supernodes = supernodesOf(count)
  const { alarm, schedule, manual } = doors
  // Not async: an event that cannot be made ends the worker, which the soak reports.
  const alarms = () => alarm(alarmEvent(anyOf(supernodes), beatOf(beatMs)), contextOf())
  const ticks = () => schedule(tickEvent(beatOf(1_000)), contextOf())
  await Promise.all([alarms, alarms, ticks, () => askFor(manual, anyOf(supernodes))].map(lane))
}

async function lane(handle: () => Promise<unknown>): Promise<void> {
  const startedAt = Date.now()
  while (Date.now() - startedAt < MAX_LIFE_MS) {
    // What a handler throws is for its platform; whatever it is, the ledger must stay true.
    await handle().catch(() => undefined)
    await pause(Math.random() * 40)
  }
}

function beatOf(ms: number): number {
  return Math.floor(Date.now() / ms) * ms
}

function anyOf(supernodes: readonly SoakSupernode[]): SoakSupernode {
  const [one] = supernodes.slice(Math.floor(Math.random() * supernodes.length))
  if (!one) throw new RangeError("there is no supernode")
  return one
}

/** A person looks, looks at a plan, and wants just that: no cooldown and no evidence, only what is in flight is in the way. */
async function askFor(manual: DoorHandler, { name }: SoakSupernode): Promise<void> {
  const ask = { supernode: name, requestedBy: "ops", why: "soak", bypassCooldown: true }
  const seen = firstResult(await manual({ ...ask, servers: 1 }, contextOf()))
  const statuses = seen?.decision.findings.find(({ gate }) => gate === "supernode-ready")?.facts["statuses"]
  if (typeof statuses !== "object" || statuses === null) return
  const wish = { ...ask, servers: Object.keys(statuses).length + 1 }
  const shown = firstResult(await manual(wish, contextOf()))
  if (shown?.plan) await manual({ ...wish, mode: "live", planHash: shown.plan.hash }, contextOf())
}

function firstResult(answer: DoorResponse): RunResult | undefined {
  return "results" in answer ? answer.results[0] : undefined
}
