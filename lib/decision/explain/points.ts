import { type Point, type RuleEvidence, warmSince } from "../evidence/evidence.ts"
import type { Reading } from "../inputs/reading.ts"
import type { Server } from "../inputs/supernode.ts"
import type { Rule } from "../policy/policy.ts"
import type { Situation } from "../situation.ts"
import { breachingBound, sayBound } from "./bounds.ts"
import { combineHints, type Hint, wait } from "./change.ts"

// Number of further points that one rule needs to breach, and whether there are periods for them.

/** Requirement of one rule; `hint` is `null` if the rule already breaches. */
export interface Need {
  hint: Hint | null
  /** Cost for comparison: the number of periods, plus a surcharge if periods alone are not enough. */
  effort: number
}

/** Surcharge for a wait until the end of warm-up. */
export const WARM_UP_SURCHARGE = 1_000

export interface RuleFacts {
  situation: Situation
  rule: Rule
  index: number
  reading: Reading | undefined
  found: RuleEvidence
  servers: Server[]
}

/**
 * Requirement of a rule, regardless of its latch. If too few of the newest periods can still breach, it needs
 * M new periods after the warm-up.
 */
export function breaching(facts: RuleFacts): Need {
  const { situation, rule, found } = facts
  const assumed = countsSilence(facts) ? found.missing : 0
  const needed = rule.points.m - found.breaching - assumed
  if (needed <= 0) return { hint: null, effort: 0 }
  if (needed <= roomFor(facts)) return { hint: points(facts, needed), effort: needed }
  const warmAt = warmPeriodsAt(facts)
  const start = warmAt > situation.now ? wait("enough periods have begun after the warm-up", warmAt) : null
  return {
    hint: combineHints([start, points(facts, rule.points.m)]),
    effort: WARM_UP_SURCHARGE + rule.points.m,
  }
}

/** True if missing data counts as breaching. Then a missing period already counts, and a new point in it would not help. */
function countsSilence({ rule, reading }: RuleFacts): boolean {
  const wasQueried = reading !== undefined && !rule.metric.alarm && !reading.unasked && !reading.credentials
  return rule.missing === "breaching" && wasQueried
}

function points({ rule, found }: RuleFacts, count: number): Hint {
  const level = breachingBound(rule)
  const missing = found.missing > 0 ? ` (${found.missing} of ${rule.points.n} are missing)` : ""
  return {
    says: `wait for ${count} more point${count === 1 ? "" : "s"} of ${rule.name}${sayBound(level)}${missing}`,
    change: { kind: "points", rule: rule.name, count, level },
  }
}

/** Maximum number of further periods that can breach. A missing period counts only if a warm server should have
 * reported. For an alarm, every period after the warm-up counts. */
function roomFor(facts: RuleFacts): number {
  const { situation, rule, reading, found } = facts
  const isOpen = ({ state, expected }: Point) =>
    state === "real" || (state === "missing" && expected > 0 && !countsSilence(facts))
  if (!rule.metric.alarm) return found.points.filter(isOpen).length - found.breaching
  // An alarm brings its own points: a later one may report more periods.
  const warmMs = situation.now - warmOf(situation)
  const fitting = Math.floor(warmMs / Math.max(1, reading?.periodMs ?? 0)) + 1
  return Math.min(rule.points.n, fitting) - found.breaching
}

function warmOf({ state, policy }: Situation): number {
  return state.completedAt === null ? -Infinity : state.completedAt + policy.warmupMs
}

/** True if one series, or an alarm, covers all servers: its points do not depend on which servers run. */
function isForAll({ rule, reading }: RuleFacts): boolean {
  return Boolean(rule.metric.alarm || reading?.series.some(({ server }) => server === null))
}

/** True if only RUNNING servers can report, and no server is RUNNING. */
export function isSilenced(facts: RuleFacts): boolean {
  return !isForAll(facts) && facts.servers.every(({ status }) => status !== "RUNNING")
}

/**
 * Time at which M periods that began after warm-up have ended and are old enough to be read, epoch
 * milliseconds.
 */
function warmPeriodsAt(facts: RuleFacts): number {
  const { situation, rule, reading, servers } = facts
  const { state, policy } = situation
  const reporting = isSilenced(facts) ? servers : servers.filter(({ status }) => status === "RUNNING")
  const since = isForAll(facts) ? [] : reporting.map(warmSince(state, policy))
  const warm = Math.max(warmOf(situation), since.length > 0 ? Math.min(...since) : -Infinity)
  if (!Number.isFinite(warm)) return -Infinity
  const { m } = rule.points
  const periodMs = reading?.periodMs ?? 0
  if (periodMs === 0) return warm + m - 1
  if (rule.metric.alarm) return warm + (m - 1) * periodMs
  return (Math.ceil(warm / periodMs) + m) * periodMs + rule.metric.lag
}
