import type { Reading } from "../../lib/decision/inputs/reading.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import { readingOf } from "../decision/builders.ts"

export interface Metered {
  policy: Policy
  /** Ids of the servers that are measured. */
  servers: readonly string[]
  /** Load of every server in every period; `null` if there are no datapoints. */
  load: number | null
  now: number
}

/** Readings of each rule of the policy if all servers have the same load. */
export function readingsOf({ policy, servers, load, now }: Metered): Reading[] {
  return policy.rules.map((rule) => ({
    ...readingOf(Array<number | null>(rule.points.n).fill(load), { servers: [...servers], now }),
    rule: rule.name,
  }))
}
