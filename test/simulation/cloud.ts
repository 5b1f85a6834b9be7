import { newestPeriods, type Reading } from "../../lib/decision/inputs/reading.ts"
import { presentServers } from "../../lib/decision/inputs/supernode.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import type { Cloud, Delivery, MetricQuestion, Notification, Read } from "../../lib/ports.ts"
import type { Process } from "./machine.ts"
import { buyOnce } from "./purchase.ts"
import type { World } from "./world.ts"

/** The cloud as one run in one process sees it: behind a network, and with meters that fail. */
export function cloudSeenBy(process: Process, run: string): Cloud {
  const { world } = process.machine
  const supernodeOf = (policy: Policy) => world.supernodeOf(policy.id)
  return {
    readSupernode: (policy) =>
      read({ process, run }, "readSupernode", () => {
        const view = supernodeOf(policy).view()
        world.watch.looksAt(run, supernodeOf(policy))
        const isListMissing = world.random.chance(world.weather.cloudReadFails / 5)
        return isListMissing ? { ...view, servers: null } : view
      }),
    readOffers: (policy) =>
      read({ process, run }, "readOffers", () =>
        policy.ladder.map(({ flavor }) => ({ flavor, soldOut: supernodeOf(policy).isSoldOut(flavor) })),
      ),
    readMetrics: (question) =>
      process.ask("readMetrics", { ...travel(world), effect: () => readingsOf(world, question) }),
    buy: (order) => buyOnce({ world, process, run, order, supernode: supernodeOf(order.policy) }),
  }
}

/** The webhook of the notifications: it may be down, without further harm. */
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
  // As a client does it: the answer's `Date`, in whole seconds, against our clock at its arrival.
  const date = world.dates.of(at)
  const skewMs = date === null ? null : date - process.clock.now()
  if (date !== null) world.watch.confirmsTime(run)
  return { ...answer, skewMs, date }
}

export function travel({ random, weather }: World): { thereMs: number; backMs: number } {
  const slowest = random.chance(weather.cloudIsSlow) ? 30_000 : 300
  return { thereMs: random.spread(5, slowest), backMs: random.spread(5, slowest) }
}

export function readingsOf(world: World, { policy, supernode, now }: MetricQuestion): Reading[] {
  const { random, scheduler, weather } = world
  const { load } = world.supernodeOf(policy.id)
  return policy.rules.map(({ name, metric, points }) => {
    const periodMs = metric["cloud-eye"]?.period ?? 0
    if (random.chance(weather.metricsAreMissing))
      return { rule: name, periodMs, series: [], problem: "HTTP 503" }
    const starts = newestPeriods({ now, periodMs, lagMs: metric.lag, count: points.n })
    // A period that has not truly ended yet has no value, whatever the asker's clock says.
    const measured = starts
      .filter((at) => at + periodMs <= scheduler.now)
      .map((at) => ({ at, value: load.at(at) }))
      .reverse()
    const servers = presentServers(supernode).filter(
      ({ status }) => status === "RUNNING" && !random.chance(weather.metricsAreMissing / 2),
    )
    return {
      rule: name,
      periodMs,
      series: servers.map(({ id }) => ({ server: id, points: measured })),
      problem: null,
    }
  })
}
