import { Random } from "../world/random.ts"
import type { World } from "./world.ts"

// Worlds in which times go wrong: clocks jump by hours to years, and the cloud's `Date` is wrong or missing,
// or the cloud refuses every read. They are drawn separately, so that the other worlds stay the same.

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** The time in the cloud's responses. */
export class Dates {
  /** The `Date` of its responses minus the true time, milliseconds. `null` if they have no `Date`. */
  offMs: number | null = 0

  /** In whole seconds, as in the header. */
  of(at: number): number | null {
    return this.offMs === null ? null : Math.floor((at + this.offMs) / 1_000) * 1_000
  }
}

type Trouble = "clock" | "date" | "no-date" | "refusals"

/**
 * Starts faults of time in a third of the worlds. Faults may overlap: a clock is wrong while the cloud
 * refuses, or while its `Date` is missing.
 */
export function startTimeTrouble(world: World, seed: number): void {
  const random = new Random(seed + 2 ** 44)
  if (!random.chance(0.35)) return
  void trouble(world, random, ["clock"])
  void trouble(world, random, ["date", "no-date", "refusals", "refusals"])
}

async function trouble(world: World, random: Random, kinds: readonly Trouble[]): Promise<void> {
  const { scheduler } = world
  for (;;) {
    await scheduler.wait(random.spread(30 * MINUTE, 6 * HOUR))
    if (world.isCalm) return
    const lastsMs = random.spread(5 * MINUTE, 3 * HOUR)
    const end = begin(world, random, random.pick(kinds))
    await scheduler.wait(lastsMs)
    if (!world.isCalm) end()
  }
}

/** Starts a fault. Returns the function that ends it. */
function begin(world: World, random: Random, kind: Trouble): () => void {
  const farMs = random.pick([-1, 1]) * random.spread(HOUR, 3 * 365 * DAY)
  switch (kind) {
    case "clock": {
      const machine = random.pick(world.machines)
      world.trace(`${machine.name}'s clock jumps ${Math.round(farMs / HOUR)} h`)
      machine.setSkew(farMs)
      return () => machine.setSkew(random.whole(-20_000, 20_000))
    }
    case "date":
    case "no-date":
      world.dates.offMs = kind === "date" ? farMs : null
      world.trace(`the cloud's Date is ${kind === "date" ? `${Math.round(farMs / HOUR)} h off` : "missing"}`)
      return () => {
        world.dates.offMs = 0
      }
    case "refusals": {
      const { cloudReadFails } = world.weather
      world.trace("the cloud refuses every read")
      world.weather = { ...world.weather, cloudReadFails: 1 }
      return () => {
        world.weather = { ...world.weather, cloudReadFails }
      }
    }
  }
}
