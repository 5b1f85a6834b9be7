import { Random } from "../world/random.ts"
import type { World } from "./world.ts"

// Worlds in which time itself goes wrong, drawn apart from everything else, so that the other worlds are what they were:
// clocks that jump by hours to years, and a cloud whose `Date` is wrong or missing, or that only refuses.

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** The time that the cloud's answers name. */
export class Dates {
  /** The `Date` of its answers minus the true time, milliseconds; null: they have none. */
  offMs: number | null = 0

  /** In whole seconds, as in the header. */
  of(at: number): number | null {
    return this.offMs === null ? null : Math.floor((at + this.offMs) / 1_000) * 1_000
  }
}

type Trouble = "clock" | "date" | "no-date" | "refusals"

/**
 * In a third of the worlds. Faults overlap: a clock is wrong while the cloud refuses, or while its `Date` is
 * missing.
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

/** Returns the function that ends it. */
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
