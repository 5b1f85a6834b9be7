import { performance } from "node:perf_hooks"
import { decide } from "../../lib/decision/decide.ts"
import { newestPeriods, type Reading } from "../../lib/decision/inputs/reading.ts"
import type { Situation } from "../../lib/decision/situation.ts"
import { digest } from "../../lib/digest.ts"
import {
  MINUTE,
  NOW,
  offersOf,
  policyOf,
  read,
  ruleInput,
  serversOf,
  situationOf,
  supernodeOf,
} from "../decision/builders.ts"

// Cost of a decision by itself. Times depend on the machine. To compare builds, run them one after the other
// on a quiet machine.

/** A situation in which every gate passes and the decision buys, so that all code runs. */
function situationWith(rules: number, servers: number): Situation {
  const names = Array.from({ length: rules }, (_, i) => `rule-${i + 1}`)
  const present = serversOf(servers)
  const ladder = [servers, servers + 4].map((count) => ({
    flavor: `rung-${count}`,
    servers: count,
    price: { amount: 60_000 * count, currency: "CNY", per: "month" as const },
  }))
  const policy = policyOf({
    rules: names.map((name) => ruleInput({ name })),
    ladder,
    limits: { actions: "2 per 24h", servers: 48 },
  })
  const starts = newestPeriods({ now: NOW, periodMs: 5 * MINUTE, lagMs: 2 * MINUTE, count: 5 })
  const readings = names.map(
    (rule): Reading => ({
      rule,
      periodMs: 5 * MINUTE,
      problem: null,
      series: present.map(({ id }) => ({ server: id, points: starts.map((at) => ({ at, value: 97 })) })),
    }),
  )
  return situationOf({
    policy,
    supernode: read(supernodeOf({ servers: present })),
    readings: read(readings),
    offers: read(offersOf(...ladder.map(({ flavor }) => flavor))),
  })
}

/** Least time of one call among all rounds, in microseconds. Disturbances only add time. */
function leastMicros(work: () => unknown, { rounds, calls }: { rounds: number; calls: number }): number {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const begin = performance.now()
    for (let call = 0; call < calls; call++) work()
    least = Math.min(least, ((performance.now() - begin) * 1_000) / calls)
  }
  return least
}

export interface DecideCost {
  oneRuleMicros: number
  /** Microseconds for 20 rules over 40 servers. */
  manyMicros: number
}

export function measureDecide(): DecideCost {
  const [one, many] = [situationWith(1, 2), situationWith(20, 40)]
  for (const situation of [one, many])
    if (decide(situation, digest).kind !== "scale-up") throw new Error("the bench's situation does not buy")
  return {
    oneRuleMicros: leastMicros(() => decide(one, digest), { rounds: 150, calls: 50 }),
    manyMicros: leastMicros(() => decide(many, digest), { rounds: 80, calls: 5 }),
  }
}
