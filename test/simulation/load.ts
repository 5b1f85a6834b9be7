import { newestPeriods } from "../../lib/decision/inputs/reading.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import type { Random } from "../world/random.ts"

const MINUTE = 60_000

/** True load of a supernode: levels over time, whatever the meters report. */
export class Load {
  readonly #levels: { from: number; value: number }[] = []

  constructor(random: Random, { from, to }: { from: number; to: number }) {
    for (let at = from; at < to; at += random.spread(10 * MINUTE, 8 * 60 * MINUTE)) {
      this.#levels.push({ from: at, value: random.pick([40, 60, 80, 90, 97, 97]) })
    }
  }

  /** The load stays at this value from then on. */
  becomes(value: number, from: number): void {
    while ((this.#levels.at(-1)?.from ?? -Infinity) >= from) this.#levels.pop()
    this.#levels.push({ from, value })
  }

  at(time: number): number {
    return this.#levels.findLast((level) => level.from <= time)?.value ?? 0
  }
}

/**
 * Number of rungs that the true load demands at that time, by an oracle that is independent of the tested
 * code.
 */
export function rungsAskedFor({ rules }: Policy, load: Load, now: number): number {
  const wishes = rules.map(({ metric, points: { m, n }, compare, steps }) => {
    const periodMs = metric["cloud-eye"]?.period ?? 0
    const values = newestPeriods({ now, periodMs, lagMs: metric.lag, count: n }).map((at) => load.at(at))
    const levels = compare
      ? [{ up: 1, isReached: (value: number) => value > compare.value }]
      : steps.map(({ from, up }) => ({ up, isReached: (value: number) => value >= (from ?? 0) }))
    return Math.max(0, ...levels.filter((l) => values.filter(l.isReached).length >= m).map((l) => l.up))
  })
  return Math.max(0, ...wishes)
}

/**
 * Highest demand within the period before `now`: a run reads first and buys a little later, and its clock may
 * be a minute ahead.
 */
export function mostRungsAskedFor(policy: Policy, load: Load, { now, forMs }: LoadPeriod): number {
  let most = 0
  for (let at = now - forMs; at <= now + MINUTE; at += MINUTE)
    most = Math.max(most, rungsAskedFor(policy, load, at))
  return most
}

interface LoadPeriod {
  now: number
  forMs: number
}
