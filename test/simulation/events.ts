import type { AlarmSignal, AlarmState, Signal, TickSignal } from "../../lib/decision/inputs/signal.ts"
import type { Machine } from "./machine.ts"
import { eventOf } from "./meters.ts"
import type { SimulatedSupernode } from "./supernode.ts"
import type { World } from "./world.ts"

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/**
 * Events that start runs: cron ticks, and alarms of a monitor that sees the true load, repeats itself and
 * sends OK.
 */
export function startEvents(world: World): void {
  const { scheduler } = world
  const everyMs = world.tickMs
  const tick = (): void => {
    const { now } = scheduler
    const signal: TickSignal = { kind: "tick", id: `tick|${now}`, name: "cron", at: now }
    world.deliver(signal, world.supernodes)
    scheduler.after(everyMs, tick)
  }
  scheduler.at(Math.ceil(scheduler.now / everyMs) * everyMs, tick)
  for (const supernode of world.supernodes) watchLoad(world, supernode)
  void startTrouble(world)
}

function watchLoad(world: World, supernode: SimulatedSupernode): void {
  const { random, scheduler } = world
  let isInAlarm = false
  let saidAt = -Infinity
  const repeatMs = random.pick([40, 60, 120]) * MINUTE
  const look = (): void => {
    const { now } = scheduler
    const isBusy = supernode.load.at(now) > 85
    const isDue = isBusy && now - saidAt >= repeatMs
    if (isBusy !== isInAlarm || isDue) {
      say(world, supernode, isBusy ? "alarm" : "ok")
      saidAt = now
    } else if (random.chance(0.005)) say(world, supernode, "insufficient-data")
    isInAlarm = isBusy
    scheduler.after(5 * MINUTE, look)
  }
  scheduler.after(random.whole(0, 5 * MINUTE), look)
}

/** One signal for each of some servers: several resources alarm for one load. */
function say(world: World, supernode: SimulatedSupernode, state: AlarmState): void {
  const alarm = `al-${supernode.policy.name}`
  const { now } = world.scheduler
  for (const { cloudServer } of supernode.present().slice(0, world.random.pick([1, 1, 2, 3]))) {
    const resource = `instance_id:${cloudServer.hpsEcsId}`
    const signal: AlarmSignal = {
      kind: "alarm",
      id: `cloud-eye|${alarm}|${resource}|${now}|${state}`,
      source: "cloud-eye",
      alarm,
      labels: {},
      resource: { instance_id: cloudServer.hpsEcsId ?? "" },
      state,
      at: now,
      episode: { key: `cloud-eye|${alarm}|${resource}`, startsAt: null },
      points: null,
      periodMs: null,
    }
    world.deliver(signal, [supernode])
  }
}

/** Delivers once, twice, late, out of order or never, as queues and topics do. */
export function deliver(world: World, signal: Signal, supernodes: readonly SimulatedSupernode[]): void {
  const { random, scheduler, weather } = world
  const copies = random.chance(weather.eventIsDoubled) ? random.whole(2, 3) : 1
  for (let i = 0; i < copies; i++) {
    if (random.chance(weather.eventIsDropped)) continue
    const lateMs = random.chance(weather.eventIsLate)
      ? random.spread(MINUTE, 6 * HOUR)
      : random.spread(50, 20_000)
    scheduler.after(lateMs, () => handle(world, signal, { supernodes, tries: 1 }))
  }
}

interface Delivery {
  supernodes: readonly SimulatedSupernode[]
  tries: number
}

/**
 * Delivers an event to a process, and again, up to three times in all, if the run fails or the process dies.
 */
function handle(world: World, signal: Signal, { supernodes, tries }: Delivery): void {
  const { process } = world.random.pick(world.machines)
  world.count("events")
  const meters = world.asksTogether ? eventOf(process) : null
  const all = supernodes.map((supernode) => ({ supernode, member: meters?.join() }))
  for (const { supernode, member } of all) {
    const again = (): void => {
      if (tries >= 3 || world.random.chance(0.3)) return
      const delayMs = world.random.spread(1_000, 5 * MINUTE)
      world.scheduler.after(delayMs, () =>
        handle(world, signal, { supernodes: [supernode], tries: tries + 1 }),
      )
    }
    void world.startRun(process, { signal, supernode, again, ...(member ? { member } : {}) })
  }
}

/** Incidents of machines, the store and the stock that last for hours. */
async function startTrouble(world: World): Promise<void> {
  const { random, scheduler } = world
  for (;;) {
    await scheduler.wait(random.spread(20 * MINUTE, 8 * HOUR))
    if (world.isCalm) return
    const lastsMs = random.spread(MINUTE, 3 * HOUR)
    const machine = random.pick(world.machines)
    switch (random.pick(["store", "clock", "clock", "stock", "stock", "restart", "freeze"])) {
      case "store":
        world.trace(`the store is away for ${Math.round(lastsMs / MINUTE)} minutes`)
        world.store.awayUntil = scheduler.now + lastsMs
        break
      case "clock":
        skew(machine, lastsMs)
        break
      case "stock": {
        const supernode = random.pick(world.supernodes)
        const { flavor } = random.pick(supernode.policy.ladder)
        supernode.soldOutUntil.set(flavor, scheduler.now + lastsMs * 2)
        break
      }
      case "restart":
        world.trace(`${machine.name} is restarted`)
        machine.die()
        break
      case "freeze":
        machine.freeze(lastsMs)
        break
    }
  }
}

/** A clock jumps, and is corrected some time later. */
function skew(machine: Machine, lastsMs: number): void {
  const { random, scheduler } = machine.world
  const ms = random.pick([-1, 1]) * random.spread(30_000, 6 * HOUR)
  machine.world.trace(`${machine.name}'s clock jumps to ${Math.round(ms / 1_000)} s off`)
  machine.setSkew(ms)
  scheduler.after(lastsMs, () => machine.setSkew(random.whole(-20_000, 20_000)))
}
