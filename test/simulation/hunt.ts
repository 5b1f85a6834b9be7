import type { Break } from "./breaks.ts"
import { bundle } from "./bundle.ts"
import { drawFleet } from "./policies.ts"
import { runSeeds } from "./pool.ts"

export interface Found {
  seed: number
  violation: string
}

/**
 * The first seed that detects a break. `null` if none does. Seeds run in order, so the result is always the
 * same.
 */
export async function hunt({
  name,
  changes,
  rules,
  from,
  upTo,
  hasFleet = false,
}: Break): Promise<Found | null> {
  let found: Found | null = null
  await runSeeds({
    bundle: await bundle({ changes: changes ?? [] }),
    seeds: [...seedsUpTo(upTo, from)].filter((seed) => (drawFleet(seed) !== null) === hasFleet),
    portBreak: changes === null ? name : null,
    threads: 1,
    readsEarly: false,
    onReport: ({ seed, violations }) => {
      const violation = violations.find((one) => rules.includes(ruleOf(one)))
      if (violation) found = { seed, violation }
      return found !== null
    },
  })
  return found
}

export function ruleOf(violation: string): string {
  return violation.split(":", 1)[0] ?? violation
}

export function* seedsUpTo(last: number, first = 1): Iterable<number> {
  for (let seed = first; seed <= last; seed++) yield seed
}
