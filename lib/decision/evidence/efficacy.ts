import type { Target } from "../decision.ts"
import { CLOCK_TOLERANCE_MS } from "../inputs/clock.ts"
import { presentServers } from "../inputs/supernode.ts"
import type { Digest } from "../plan.ts"
import type { Rule } from "../policy/policy.ts"
import { highIsBad } from "../policy/threshold.ts"
import type { Situation } from "../situation.ts"
import type { Effect } from "../state/effect.ts"
import type { Observation } from "../state/observation.ts"
import { type Point, weighEvidence } from "./evidence.ts"

// Did what was bought help? The metric that caused a purchase is measured twice by the same statistic: when it was decided,
// and once after completion and warm-up. What was measured is written down, so that later load rewrites nothing.

/**
 * How bad a metric is, by the very points that M of N decides by: the mean of the M worst real ones of the N newest
 * periods. It means the same before a purchase and after it, whether or not anything breaches. null with fewer than M.
 */
export function levelOf(rule: Rule, points: readonly Point[]): number | null {
  const { m } = rule.points
  const values = points.flatMap(({ state, value }) => (state === "real" && value !== null ? [value] : []))
  if (values.length < m) return null
  const worstFirst = values.sort((a, b) => (highIsBad(rule) ? b - a : a - b))
  return finite(worstFirst.slice(0, m).reduce((sum, value) => sum + value, 0) / m)
}

/** The target with what caused it, where the policy wants to know whether purchases help and rules asked for this one. */
export function withCause(situation: Situation, target: Target, digest: Digest): Target {
  const { policy, readings, supernode } = situation
  if (!policy.efficacy || readings.state !== "read" || supernode.state !== "read") return target
  const proposals = weighEvidence(situation, readings.value, presentServers(supernode.value)).filter(
    ({ rule, up }) => up > 0 && target.rules.includes(rule),
  )
  const most = Math.max(...proposals.map(({ up }) => up))
  const strongest = proposals.find(({ up }) => up === most)
  const rule = policy.rules.find(({ name }) => name === strongest?.rule)
  if (!strongest || !rule) return target
  const cause = { rule: rule.name, metric: metricHash(rule, digest), before: levelOf(rule, strongest.points) }
  return { ...target, cause }
}

function metricHash(rule: Rule, digest: Digest): string {
  return digest({ metric: rule.metric, highIsBad: highIsBad(rule) })
}

/** An effect whose rule still measures what caused the purchase. */
export interface CountedEffect extends Effect {
  policyRule: Rule
  /** From when on it can be told, epoch milliseconds: N periods after warm-up have ended. */
  dueAt: number
}

/** The chain's effects, oldest first, without those whose rule is gone or measures something else by now. */
export function countedEffects({ state, policy }: Situation, digest: Digest): CountedEffect[] {
  return (state.effects ?? []).flatMap((effect) => {
    const policyRule = policy.rules.find(({ name }) => name === effect.rule)
    if (!policyRule || metricHash(policyRule, digest) !== effect.metric) return []
    const warmAt = Math.max(effect.completedAt, state.completedAt ?? 0) + policy.warmupMs
    return [{ ...effect, policyRule, dueAt: dueAfter(policyRule, warmAt) }]
  })
}

/** When the N newest periods that may be looked at all began at `warmAt` or later. */
function dueAfter({ metric, points }: Rule, warmAt: number): number {
  const periodMs = (metric["cloud-eye"] ?? metric.prometheus ?? metric.cloudwatch)?.period
  // An alarm tells its period only with its points.
  if (periodMs === undefined) return warmAt
  return (Math.ceil(warmAt / periodMs) + points.n) * periodMs + metric.lag
}

function isUnmeasured({ before, after }: Effect): boolean {
  return before !== null && after === null
}

/** A tick that holds anyway reads the metrics even so: what a purchase did is told soon after it, or not of it any more. */
export function effectIsDue(situation: Situation, digest: Digest): boolean {
  if (!situation.policy.efficacy || !clockIsTrusted(situation)) return false
  return countedEffects(situation, digest).some(
    (effect) => isUnmeasured(effect) && !effect.policyRule.metric.alarm && effect.dueAt <= situation.now,
  )
}

/** What the oldest purchase did that was not measured yet and now can be; null where there is nothing to say. */
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

/** Positive where it got better. Rounded to 12 digits: 97.3 − 92.3 is 5, and not a hair less. */
function gainOf(rule: Rule, before: number, after: number): number | null {
  const gain = highIsBad(rule) ? before - after : after - before
  return finite(Number(gain.toPrecision(12)))
}

/** By a clock that others contradict nobody can say which periods came after the warm-up. */
function clockIsTrusted({ now, headAt, cloudSkewMs }: Situation): boolean {
  return (headAt ?? now) - now <= CLOCK_TOLERANCE_MS && Math.abs(cloudSkewMs ?? 0) <= CLOCK_TOLERANCE_MS
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

/** For sentences: at most six digits. */
export function sayNumber(value: number): string {
  return String(Number(value.toPrecision(6)))
}
