import type { Cloud, Delivery, Notification, Read } from "../../lib/ports.ts"
import { cloudOver } from "../world/cloud.ts"
import type { Process } from "./machine.ts"
import { buyOnce } from "./purchase.ts"
import type { World } from "./world.ts"

/** The cloud as one run in one process sees it: behind a network, and with meters that fail. */
export function cloudSeenBy(process: Process, run: string): Cloud {
  const { world } = process.machine
  const caller = { process, run }
  const cloud = cloudOver(({ id }) => world.supernodeOf(id), {
    read: (what, look) => read(caller, what, look),
    measure: (look) => process.ask("readMetrics", { ...travel(world), effect: look }),
    buy: (order, supernode) => buyOnce({ world, process, run, order, supernode }),
  })
  return {
    ...cloud,
    readSupernode: ({ id }) =>
      read(caller, "readSupernode", () => {
        const supernode = world.supernodeOf(id)
        world.watch.looksAt(run, supernode)
        const isListMissing = world.random.chance(world.weather.cloudReadFails / 5)
        return isListMissing ? { ...supernode.view(), servers: null } : supernode.view()
      }),
  }
}

/** Sends a notification to the webhook, which may be down. */
export function notifyOperators(process: Process, notification: Notification): Promise<Delivery> {
  const { world } = process.machine
  return process.ask("webhook", {
    ...travel(world),
    effect: () => {
      const isDown = world.random.chance(world.weather.cloudReadFails)
      world.watch.notifications.heard(notification, { isDown })
      return isDown ? { ok: false as const, why: "HTTP 500" } : { ok: true as const }
    },
  })
}

async function read<T>(
  { process, run }: { process: Process; run: string },
  what: string,
  look: () => T,
): Promise<Read<T>> {
  const { world } = process.machine
  const seen = await process.ask(what, {
    ...travel(world),
    effect: () =>
      world.random.chance(world.weather.cloudReadFails)
        ? {
            ok: false as const,
            why: "HTTP 503",
            credentials: world.random.chance(0.1),
            at: world.scheduler.now,
          }
        : { ok: true as const, value: look(), at: world.scheduler.now },
  })
  const { at, ...answer } = seen
  // As the client does: compares the response's `Date`, in whole seconds, with our clock at its arrival.
  const date = world.dates.of(at)
  const skewMs = date === null ? null : date - process.clock.now()
  if (date !== null) world.watch.confirmsTime(run)
  return { ...answer, skewMs, date }
}

export function travel({ random, weather, usualMs }: World): { thereMs: number; backMs: number } {
  const [fastest, slowest] = random.chance(weather.cloudIsSlow) ? [5, 30_000] : usualMs
  return { thereMs: random.spread(fastest, slowest), backMs: random.spread(fastest, slowest) }
}
