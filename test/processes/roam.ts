import { setTimeout as pause } from "node:timers/promises"
import type { DoorHandler, DoorResponse } from "../../functions/door.ts"
import type { DoorName } from "../../lib/app/app.ts"
import type { RunResult } from "../../lib/run/result.ts"
import { contextOf } from "../functions/context.ts"
import { alarmEvent, tickEvent } from "./signals.ts"
import { type SoakSupernode, supernodesOf } from "./soak-supernodes.ts"

// A host under constant load: alarms, ticks and manual requests, through the functions' own handlers, until
// it is killed. Workers use the same times for their signals, so that several workers handle many of them at
// once.

type Doors = Readonly<Record<Exclude<DoorName, "any">, DoorHandler>>

/** A worker that is never killed ends after this time. */
const MAX_LIFE_MS = 600_000

/** Sends signals until the end of the worker's life. `beatMs`: interval between the times of alarms. */
export async function roam(
  doors: Doors,
  { supernodes: count, beatMs }: { supernodes: number; beatMs: number },
) {
  const supernodes = supernodesOf(count)
  const { alarm, schedule, manual } = doors
  // Not async, so that an event that cannot be made ends the worker, which the soak reports.
  const alarms = () => alarm(alarmEvent(anyOf(supernodes), beatOf(beatMs)), contextOf())
  const ticks = () => schedule(tickEvent(beatOf(1_000)), contextOf())
  await Promise.all([alarms, alarms, ticks, () => askFor(manual, anyOf(supernodes))].map(lane))
}

async function lane(handle: () => Promise<unknown>): Promise<void> {
  const startedAt = Date.now()
  while (Date.now() - startedAt < MAX_LIFE_MS) {
    // A handler's errors are for its platform. The ledger must stay true in any case.
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

/**
 * Requests a dry run, then a plan, and then that plan live. Bypasses cooldown, so that only an open attempt
 * holds it.
 */
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
