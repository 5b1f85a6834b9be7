import { CLOCK_TOLERANCE_MS } from "../inputs/clock.ts"
import { idKey } from "../inputs/id.ts"
import { byRule, newestPeriods, type Reading, type Series } from "../inputs/reading.ts"
import { type Datapoint, STALE_AFTER_MS } from "../inputs/signal.ts"
import type { Server } from "../inputs/supernode.ts"
import type { Policy, Rule } from "../policy/policy.ts"
import { isOnClearSide, type Level, levelsOf } from "../policy/threshold.ts"
import type { Situation } from "../situation.ts"
import { getOwn } from "../state/get-own.ts"
import type { SupernodeState } from "../state/state.ts"

/**
 * One period of one rule: its value across the servers, and whether it is evidence. `early`: the period began
 * before warm-up ended.
 */
export interface Point {
  at: number
  value: number | null
  state: "real" | "missing" | "early"
  reported: number
  expected: number
}

/** Evidence of one rule, with the numbers behind it. */
export interface RuleEvidence {
  rule: string
  verdict: "breaching" | "not-breaching" | "missing-data" | "latched" | "off"
  /** Rungs above the current one; 0 unless breaching. */
  up: number
  breaching: number
  missing: number
  m: number
  n: number
  points: Point[]
  /** True if the rule is latched and at least M points since then are on the clear side. */
  cleared: boolean
  problem: string | null
}

/** Evaluates every rule by its reading. Precondition: readings and servers were read. */
export function weighEvidence(situation: Situation, readings: Reading[], servers: Server[]): RuleEvidence[] {
  const running = runningSince(servers, situation)
  const readingOf = byRule(readings)
  return situation.policy.rules.map((rule) => {
    const reading = readingOf.get(rule.name)
    const points = reading ? periodPoints({ situation, rule, reading, running }) : []
    const wasQueried = reading !== undefined && !rule.metric.alarm && !reading.unasked && !reading.credentials
    return evaluateRule({
      situation,
      rule,
      points,
      wasQueried,
      problem: reading
        ? (reading.problem ?? sharedProblem(situation, rule, reading))
        : "its metric was not read",
    })
  })
}

/**
 * Problem if an alarm names no server and several supernodes list it: its points may belong to another
 * supernode. `null` otherwise.
 */
function sharedProblem({ exclusive }: Situation, { metric }: Rule, { series }: Reading): string | null {
  const isShared =
    metric.alarm && !exclusive && series.length > 0 && series.every(({ server }) => server === null)
  return isShared
    ? "the alarm names none of this supernode's servers, and other supernodes list it as well, so its points are not used"
    : null
}

/**
 * True if a rule with `repeat: false` has led to a purchase. It stays inactive until its metric clears, which
 * only a metric source can show. Alarms are left out: their points arrive with the signal.
 */
export function awaitsClearing({ policy, state }: Situation): boolean {
  return policy.rules.some(
    ({ name, repeat, metric }) => !repeat && !metric.alarm && getOwn(state.latches, name) !== undefined,
  )
}

interface RuleFacts {
  situation: Situation
  rule: Rule
  points: Point[]
  /**
   * True if the metric source was queried and did not refuse the query. Only then may missing data count as
   * breaching.
   */
  wasQueried: boolean
  problem: string | null
}

function evaluateRule({ situation, rule, points, wasQueried, problem }: RuleFacts): RuleEvidence {
  const { m, n } = rule.points
  // A period that no source reported is missing too: exactly N periods count, never older ones.
  const missing = n - countOf(points, (point) => point.state !== "missing")
  const assumed = rule.missing === "breaching" && wasQueried ? missing : 0
  const levels = levelsOf(rule)
  const real = points.filter(isReal)
  const reached = bestStep(levels, real, { m, assumed })
  const breaching = countOf(real, ({ value }) => levels.some((level) => level.isReachedBy(value)))
  const latchedAt = rule.repeat ? undefined : getOwn(situation.state.latches, rule.name)
  const cleared =
    latchedAt !== undefined &&
    real.filter(({ at, value }) => at >= latchedAt && isOnClearSide(rule, value)).length >= m
  const mayMatter = rule.missing === "hold" || (rule.missing === "breaching" && !wasQueried)
  const verdict = verdictOf({
    isOff: getOwn(situation.state.rulesOff, rule.name) === situation.policyHash,
    isLatched: latchedAt !== undefined,
    isReached: reached > 0,
    couldStillBreach: mayMatter && breaching + missing >= m,
  })
  const up = verdict === "breaching" ? reached : 0
  return { rule: rule.name, breaching, missing, m, n, points, problem, verdict, up, cleared }
}

interface VerdictFacts {
  isOff: boolean
  isLatched: boolean
  isReached: boolean
  couldStillBreach: boolean
}

function verdictOf({ isOff, isLatched, isReached, couldStillBreach }: VerdictFacts): RuleEvidence["verdict"] {
  if (isOff) return "off"
  if (isReached) return isLatched ? "latched" : "breaching"
  return couldStillBreach ? "missing-data" : "not-breaching"
}

/**
 * Largest `up` of the levels that at least M of N points reach; 0 if there is none. `assumed`: number of
 * missing points that count as breaching.
 */
function bestStep(
  levels: readonly Level[],
  real: RealPoint[],
  { m, assumed }: { m: number; assumed: number },
): number {
  let best = 0
  for (const [i, { up, isReachedBy }] of levels.entries()) {
    const reaching = countOf(real, ({ value }) => isReachedBy(value))
    // A missing point may count as breaching, but never reaches more than the mildest step.
    if (reaching + (i === 0 ? assumed : 0) >= m) best = Math.max(best, up)
  }
  return best
}

function countOf<T>(all: readonly T[], counts: (one: T) => boolean): number {
  let count = 0
  for (const one of all) if (counts(one)) count += 1
  return count
}

type RealPoint = Point & { value: number }

function isReal(point: Point): point is RealPoint {
  return point.state === "real" && point.value !== null
}

/** A RUNNING server, and the time from which its metrics are evidence, epoch milliseconds. */
interface WarmServer {
  id: string
  warmSince: number
}

function runningSince(servers: Server[], { state, policy }: Situation): WarmServer[] {
  const since = warmSince(state, policy)
  return servers
    .filter(({ status }) => status === "RUNNING")
    .map((server) => ({ id: server.id, warmSince: since(server) }))
}

interface PeriodFacts {
  situation: Situation
  rule: Rule
  reading: Reading
  running: WarmServer[]
}

function periodPoints(facts: PeriodFacts): Point[] {
  const { situation, rule, reading, running } = facts
  if (rule.metric.alarm) return alarmPoints(facts)
  if (reading.periodMs === null) return []
  const starts = newestPeriods({
    now: situation.now,
    periodMs: reading.periodMs,
    lagMs: rule.metric.lag,
    count: rule.points.n,
  })
  const ofSupernode = reading.series.find((series) => series.server === null)
  if (ofSupernode) return starts.map((at) => dated(supernodePoint(at, ofSupernode), situation))
  const byServer = firstByServer(reading.series)
  const reporters = running.map(({ id, warmSince }) => ({
    warmSince,
    points: byServer.get(id)?.points ?? [],
  }))
  const ofServers = { rule, reporters }
  return starts.map((at) => dated(pointOverServers(at, ofServers), situation))
}

function firstByServer(all: readonly Series[]): Map<string, Series> {
  const byServer = new Map<string, Series>()
  for (const series of all)
    if (series.server !== null && !byServer.has(series.server)) byServer.set(series.server, series)
  return byServer
}

/** One period of a series that covers the whole supernode. */
function supernodePoint(at: number, { points }: Series): Point {
  const value = valueAt(points, at)
  const isMissing = value === null
  return { at, value, state: isMissing ? "missing" : "real", reported: isMissing ? 0 : 1, expected: 1 }
}

/** A RUNNING server and its datapoints; empty if it has no series. */
interface Reporter {
  warmSince: number
  points: Datapoint[]
}

interface ServersFacts {
  rule: Rule
  reporters: readonly Reporter[]
}

/** One period across the servers. It is real only if a quorum of the RUNNING and warm servers reported. */
function pointOverServers(at: number, { rule, reporters }: ServersFacts): Point {
  const reported: number[] = []
  let expected = 0
  for (const { warmSince, points } of reporters) {
    if (at < warmSince) continue
    expected += 1
    const value = valueAt(points, at)
    if (value !== null) reported.push(value)
  }
  // The tolerance absorbs binary rounding, as in 0.1 + 0.2: 80 % of 5 servers is 4, not 5.
  const needed = Math.max(1, Math.ceil(rule.metric.quorum * expected - 1e-9))
  const aggregated = reported.length >= needed ? aggregate(reported, rule.metric.aggregate) : null
  // A sum of huge values can overflow to infinity; then the point is missing.
  const value = Number.isFinite(aggregated) ? aggregated : null
  return { at, value, state: value === null ? "missing" : "real", reported: reported.length, expected }
}

/** Points of the alarm, newest first: only those of this supernode, and only recent ones. */
function alarmPoints({ situation, rule, reading }: PeriodFacts): Point[] {
  const series = reading.series.find((candidate) => candidate.server !== null || situation.exclusive)
  const periodMs = reading.periodMs ?? 0
  const staleBefore = situation.now - STALE_AFTER_MS - (rule.points.n + 1) * periodMs
  const newestFirst = (series?.points ?? [])
    .filter(
      ({ at, value }) =>
        Number.isFinite(value) && at > staleBefore && at <= situation.now + CLOCK_TOLERANCE_MS,
    )
    .sort((a, b) => b.at - a.at)
  const kept: Datapoint[] = []
  for (const point of newestFirst) {
    const last = kept.at(-1)
    // Points at most half a period apart count as one, since the times of an alarm need not be aligned.
    if (!last || last.at - point.at > periodMs / 2) kept.push(point)
  }
  const oldest = periodMs > 0 ? (kept[0]?.at ?? 0) - (rule.points.n - 0.5) * periodMs : -Infinity
  return kept
    .filter(({ at }) => at >= oldest)
    .slice(0, rule.points.n)
    .map(({ at, value }) => dated({ at, value, state: "real", reported: 1, expected: 1 }, situation))
}

/**
 * Marks a period as `early` if it began before the newest purchase was warm. It does not show whether that
 * purchase was enough.
 */
function dated(point: Point, { state, policy }: Situation): Point {
  const warm = state.completedAt === null ? -Infinity : state.completedAt + policy.warmupMs
  return point.at < warm ? { ...point, state: "early" } : point
}

/** Time from which each server's metrics are evidence, epoch milliseconds: the end of its own warm-up. */
export function warmSince(
  { newServers, foreignAt, completedAt }: SupernodeState,
  { warmupMs }: Policy,
): (server: Server) => number {
  const bought = new Set(newServers.map(idKey))
  const boughtWarm = completedAt === null ? -Infinity : completedAt + warmupMs
  // If a creation time is unreadable, the newest change in the chain replaces it: a completed purchase, or an
  // external change. If the chain has neither, the server is not warm.
  const seenAt = Math.max(foreignAt ?? -Infinity, completedAt ?? -Infinity)
  const firstSeen = seenAt === -Infinity ? Infinity : seenAt
  return ({ id, createAt }) => (bought.has(idKey(id)) ? boughtWarm : (createAt ?? firstSeen) + warmupMs)
}

/** Value of the first point at that time; `null` if there is none, or if it is not finite. */
function valueAt(points: readonly Datapoint[], at: number): number | null {
  for (const point of points) if (point.at === at) return Number.isFinite(point.value) ? point.value : null
  return null
}

/** Combines the values of several servers as the rule says. `values` must not be empty. */
export function aggregate(values: readonly number[], how: Rule["metric"]["aggregate"]): number {
  switch (how) {
    case "average":
      return values.reduce((sum, value) => sum + value, 0) / values.length
    case "max":
      return Math.max(...values)
    case "min":
      return Math.min(...values)
    default:
      return how satisfies never
  }
}
