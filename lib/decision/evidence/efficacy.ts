import type { Target } from "../decision.ts"
import { CLOCK_TOLERANCE_MS } from "../inputs/clock.ts"
import { presentServers } from "../inputs/supernode.ts"
import type { Digest } from "../plan.ts"
import type { Rule } from "../policy/policy.ts"
import { highIsBad } from "../policy/threshold.ts"
import type { Situation } from "../situation.ts"
import type { Effect } from "../state/effect.ts"
import type { Observation } from "../state/observation.ts"
import { type Point, type RuleEvidence, weighEvidence } from "./evidence.ts"

// Measures whether a purchase helped. The metric that caused the purchase is measured twice by the same
// statistic: at the decision, and once after completion and warm-up. The result is recorded, so that later
// load does not change it.

/**
 * Severity of a metric: the mean of the M worst real points among the N newest periods. It does not depend on
 * breaching, so values before and after a purchase are comparable. `null` with fewer than M real points.
 */
export function levelOf(rule: Rule, points: readonly Point[]): number | null {
  const { m } = rule.points
  const values = points.flatMap(({ state, value }) => (state === "real" && value !== null ? [value] : []))
  if (values.length < m) return null
  const worstFirst = values.sort((a, b) => (highIsBad(rule) ? b - a : a - b))
  return finite(worstFirst.slice(0, m).reduce((sum, value) => sum + value, 0) / m)
}

interface Caused {
  target: Target
  /** The evidence of all rules. */
  rules: readonly RuleEvidence[]
}

/** The target with its cause, if the policy has an efficacy rule and rules proposed this target. */
export function withCause({ policy }: Situation, { target, rules }: Caused, digest: Digest): Target {
  if (!policy.efficacy) return target
  const proposals = rules.filter(({ rule, up }) => up > 0 && target.rules.includes(rule))
  const most = Math.max(...proposals.map(({ up }) => up))
  const strongest = proposals.find(({ up }) => up === most)
  const rule = policy.rules.find(({ name }) => name === strongest?.rule)
  if (!strongest || !rule) return target
  const cause = { rule: rule.name, metric: metricHash(rule, digest), before: levelOf(rule, strongest.points) }
  return { ...target, cause }
}

/** Cached hash of each rule's metric. The cache stays valid, since rules never change after they are read. */
const knownHashes = new WeakMap<Rule, { digest: Digest; hash: string }>()

function metricHash(rule: Rule, digest: Digest): string {
  const known = knownHashes.get(rule)
  if (known?.digest === digest) return known.hash
  const hash = digest({ metric: rule.metric, highIsBad: highIsBad(rule) })
  knownHashes.set(rule, { digest, hash })
  return hash
}

/** An effect whose rule still measures the metric that caused the purchase. */
export interface CountedEffect extends Effect {
  policyRule: Rule
  /** Earliest time of the measurement, epoch milliseconds: N periods after the end of warm-up. */
  dueAt: number
}

/** Effects of the chain, oldest first, without those whose rule is gone or now measures another metric. */
export function countedEffects({ state, policy }: Situation, digest: Digest): CountedEffect[] {
  if (!state.effects) return []
  return state.effects.flatMap((effect) => {
    const policyRule = policy.rules.find(({ name }) => name === effect.rule)
    if (!policyRule || metricHash(policyRule, digest) !== effect.metric) return []
    const warmAt = Math.max(effect.completedAt, state.completedAt ?? 0) + policy.warmupMs
    const { rule, metric, before, attempt, completedAt, after, gain } = effect
    const dueAt = dueAfter(policyRule, warmAt)
    return [{ rule, metric, before, attempt, completedAt, after, gain, policyRule, dueAt }]
  })
}

/** Earliest time at which all N newest complete periods began at `warmAt` or later, epoch milliseconds. */
function dueAfter({ metric, points }: Rule, warmAt: number): number {
  const periodMs = (metric["cloud-eye"] ?? metric.prometheus ?? metric.cloudwatch)?.period
  // An alarm's period is unknown until its points arrive.
  if (periodMs === undefined) return warmAt
  return (Math.ceil(warmAt / periodMs) + points.n) * periodMs + metric.lag
}

function isUnmeasured({ before, after }: Effect): boolean {
  return before !== null && after === null
}

/**
 * True if a measurement is due. This tick then reads the metrics even if it holds, since the effect of a
 * purchase can be measured only for a limited time.
 */
export function effectIsDue(situation: Situation, digest: Digest): boolean {
  if (!situation.policy.efficacy || !clockIsTrusted(situation)) return false
  return countedEffects(situation, digest).some(
    (effect) => isUnmeasured(effect) && !effect.policyRule.metric.alarm && effect.dueAt <= situation.now,
  )
}

/** Effect of the oldest unmeasured purchase that can be measured now; `null` if there is none. */
export function measureEffect(situation: Situation, digest: Digest): Observation | null {
  const { policy, readings, supernode, now } = situation
  if (!policy.efficacy || readings.state !== "read" || supernode.state !== "read") return null
  if (!clockIsTrusted(situation)) return null
  const unmeasured = countedEffects(situation, digest).filter(isUnmeasured)
  if (unmeasured.length === 0) return null
  const evidence = weighEvidence(situation, readings.value, presentServers(supernode.value))
  for (const { attempt, rule, before, policyRule } of unmeasured) {
    const points = evidence.find((one) => one.rule === rule)?.points ?? []
    const isWarm = points.every(({ state }) => state !== "early")
    const after = isWarm ? levelOf(policyRule, points) : null
    const gain = after === null || before === null ? null : gainOf(policyRule, before, after)
    if (after === null || gain === null) continue
    const says = `moved ${rule} by ${sayNumber(gain)}, from ${sayNumber(before ?? 0)} to ${sayNumber(after)}`
    return { kind: "effect", says, attempt, servers: [], present: null, at: now, effect: { after, gain } }
  }
  return null
}

/** Gain, positive if the metric improved. Rounded to 12 digits, so that 97.3 − 92.3 is exactly 5. */
function gainOf(rule: Rule, before: number, after: number): number | null {
  const gain = highIsBad(rule) ? before - after : after - before
  return finite(Number(gain.toPrecision(12)))
}

/** False if clocks disagree: then we cannot tell which periods follow warm-up. */
function clockIsTrusted({ now, headAt, cloudSkewMs }: Situation): boolean {
  return (headAt ?? now) - now <= CLOCK_TOLERANCE_MS && Math.abs(cloudSkewMs ?? 0) <= CLOCK_TOLERANCE_MS
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

/** Number as text for messages, with at most six significant digits. */
export function sayNumber(value: number): string {
  return String(Number(value.toPrecision(6)))
}
