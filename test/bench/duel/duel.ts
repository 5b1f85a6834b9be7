import { alarmOf, MINUTE, NOW, tickOf } from "../../decision/builders.ts"
import type { TrueOrder } from "../../world/order.ts"
import type { Contender, Pattern, Wakeup } from "./pattern.ts"
import { LIMIT_MS, Process } from "./process.ts"
import type { Delivery, Script } from "./scripts.ts"
import { SCRIPT_ENDS_MS, World } from "./world.ts"

/** Result of one pattern in one script. */
export interface Bout {
  /** Number of orders that the cloud accepted. One is due. */
  purchases: number
  /** Time of the first accepted order after the alarm, in milliseconds; `null` if there is none. */
  firstAfterMs: number | null
  /** Greatest number of requests for the same attempt; for the references, for the same event. */
  mostPostsPerLabel: number
  /** Number of times that an operator had to act. */
  askedPeople: number
}

/**
 * The platform delivers a failed event twice more, as AWS Lambda's asynchronous invocation does by default.
 */
const REDELIVERED_AFTER_MS = [MINUTE, 2 * MINUTE]
const CRON_MS = 5 * MINUTE
/** Times at which operators look. */
const PEOPLE_COME_MS = [60 * MINUTE, 120 * MINUTE]

/** Plays one script for one pattern, from the alarm to the last cron tick. */
export async function duel(pattern: Pattern, script: Script, listedAfterMs: number): Promise<Bout> {
  const world = new World(script, listedAfterMs)
  const contender = pattern.open(world)
  const { scheduler } = world
  for (const delivery of [{ atMs: 0 }, ...(script.deliveries ?? []), ...cronTicks()]) {
    const wakeup = wakeupOf(delivery)
    const host = delivery.host ?? "a"
    scheduler.at(NOW + delivery.atMs, () => deliver({ world, contender, wakeup, host }))
  }
  if (script.restartsAtMs !== undefined) scheduler.at(NOW + script.restartsAtMs, () => world.forgetMemory())
  let askedPeople = 0
  for (const atMs of PEOPLE_COME_MS)
    scheduler.at(NOW + atMs, () => {
      void contender.askPeople().then((hadToLook) => {
        if (hadToLook) askedPeople += 1
      })
    })
  await scheduler.runUntil(NOW + SCRIPT_ENDS_MS, () => false)
  const { accepted, orders } = world.supernode
  const takenAfterMs = accepted.map(({ acceptedAt }) => (acceptedAt ?? NOW) - NOW)
  return {
    purchases: accepted.length,
    firstAfterMs: accepted.length > 0 ? Math.min(...takenAfterMs) : null,
    mostPostsPerLabel: mostPerLabel(orders),
    askedPeople,
  }
}

function cronTicks(): Delivery[] {
  const count = SCRIPT_ENDS_MS / CRON_MS - 1
  return Array.from({ length: count }, (_, i) => ({ atMs: (i + 1) * CRON_MS, isTick: true, host: "cron" }))
}

function wakeupOf({ atMs, server = "s1", isTick }: Delivery): Wakeup {
  if (isTick) return tickOf({ id: `tick-${atMs}`, at: NOW + atMs })
  return alarmOf({
    id: `alarm-${server}`,
    at: NOW,
    resource: { instance_id: `ecs-${server}` },
    episode: { key: `busy ${server}`, startsAt: null },
  })
}

interface Invocation {
  world: World
  contender: Contender
  wakeup: Wakeup
  host: string
}

/** One invocation, and the platform's reaction if it fails, dies or takes too long. */
function deliver(invocation: Invocation, tries = 0): void {
  const { world, contender, wakeup, host } = invocation
  let hasExited = false
  const fail = () => {
    if (hasExited) return
    hasExited = true
    const afterMs = REDELIVERED_AFTER_MS[tries]
    if (afterMs !== undefined) world.scheduler.after(afterMs, () => deliver(invocation, tries + 1))
  }
  const process = new Process(world, host, fail)
  contender.handle(wakeup, process).then(() => {
    hasExited = true
  }, fail)
  world.scheduler.after(LIMIT_MS, () => {
    if (!hasExited) process.die()
  })
}

function mostPerLabel(orders: readonly TrueOrder[]): number {
  const counts = new Map<string, number>()
  for (const { attempt } of orders) counts.set(attempt, (counts.get(attempt) ?? 0) + 1)
  return Math.max(0, ...counts.values())
}
