import { includesId } from "../inputs/id.ts"
import { newestPeriods, type Reading, type Series } from "../inputs/reading.ts"
import type { Datapoint } from "../inputs/signal.ts"
import type { Server } from "../inputs/supernode.ts"
import type { Policy, Rule } from "../policy/policy.ts"
import { isOnClearSide, type Level, levelsOf } from "../policy/threshold.ts"
import type { Situation } from "../situation.ts"
import { getOwn } from "../state/get-own.ts"
import type { SupernodeState } from "../state/state.ts"

/** An alarm tells of the periods right before it; what ended longer ago than an alarm may be old is no evidence. */
const STALE_POINT_MS = 15 * 60_000

/** How far an alarm's clock may be ahead of ours. */
const AHEAD_MS = 60_000

/** One period of one rule: its value over the servers, or why it has none. `early`: before the warm-up ended. */
export interface Point {
  at: number
  value: number | null
  state: "real" | "missing" | "early"
  reported: number
  expected: number
}

/** What one rule says, with the numbers behind it. */
export interface RuleEvidence {
  rule: string
  verdict: "breaching" | "not-breaching" | "missing-data" | "latched" | "off"
  /** Rungs up from where we are; 0 unless breaching. */
  up: number
  breaching: number
  missing: number
  m: number
  n: number
  points: Point[]
  /** The rule is latched and its metric was seen on the clear side. */
  cleared: boolean
  problem: string | null
}

/** Judges every rule by its reading. The caller has made sure that readings and servers were read. */
export function weighEvidence(situation: Situation, readings: Reading[], servers: Server[]): RuleEvidence[] {
  const running = runningSince(servers, situation)
  return situation.policy.rules.map((rule) => {
    const reading = readings.find((candidate) => candidate.rule === rule.name)
    const points = reading ? periodPoints({ situation, rule, reading, running }) : []
    const isSilent = reading !== undefined && !rule.metric.alarm && !reading.unasked && !reading.credentials
    return evaluateRule({
      situation,
      rule,
      points,
      isSilent,
      problem: reading
        ? (reading.problem ?? sharedProblem(situation, rule, reading))
        : "no reading was taken",
    })
  })
}

/** Points of an alarm that names no server, where several supernodes list it: they may be another supernode's. */
function sharedProblem({ exclusive }: Situation, { metric }: Rule, { series }: Reading): string | null {
  const isShared =
    metric.alarm && !exclusive && series.length > 0 && series.every(({ server }) => server === null)
  return isShared
    ? "the alarm names none of this supernode's servers, and other supernodes list it as well: its points count for none"
    : null
}

/** A rule with `repeat: false` has bought, and rests until its metric clears: only the meters can tell when. */
export function awaitsClearing({ policy, state }: Situation): boolean {
  return policy.rules.some(
    ({ name, repeat, metric }) => !repeat && !metric.alarm && getOwn(state.latches, name) !== undefined,
  )
}

interface RuleFacts {
  situation: Situation
  rule: Rule
  points: Point[]
  /** Somebody was asked, and had nothing to say: only such silence may be held to breach. */
  isSilent: boolean
  problem: string | null
}

function evaluateRule({ situation, rule, points, isSilent, problem }: RuleFacts): RuleEvidence {
  const { m, n } = rule.points
  // A period nobody spoke of at all is missing too: exactly N are judged, never older ones.
  const missing = n - points.filter((point) => point.state !== "missing").length
  const assumed = rule.missing === "breaching" && isSilent ? missing : 0
  const levels = levelsOf(rule)
  const real = points.filter(isReal)
  const reached = bestStep(levels, real, { m, assumed })
  const breaching = real.filter(({ value }) => levels.some((level) => level.isReachedBy(value))).length
  const latchedAt = rule.repeat ? undefined : getOwn(situation.state.latches, rule.name)
  const evidence = { rule: rule.name, breaching, missing, m, n, points, problem }
  const cleared =
    latchedAt !== undefined &&
    real.filter(({ at, value }) => at >= latchedAt && isOnClearSide(rule, value)).length >= m
  if (getOwn(situation.state.rulesOff, rule.name) === situation.policyHash) {
    return { ...evidence, verdict: "off", up: 0, cleared }
  }
  if (reached > 0) {
    return latchedAt === undefined
      ? { ...evidence, verdict: "breaching", up: reached, cleared }
      : { ...evidence, verdict: "latched", up: 0, cleared }
  }
  const mayMatter = rule.missing === "hold" || (rule.missing === "breaching" && !isSilent)
  const couldStillBreach = mayMatter && breaching + missing >= m
  return { ...evidence, verdict: couldStillBreach ? "missing-data" : "not-breaching", up: 0, cleared }
}

/** The largest step that at least M of N points reach; 0 for none. `assumed` counts missing points held to breach. */
function bestStep(
  levels: readonly Level[],
  real: RealPoint[],
  { m, assumed }: { m: number; assumed: number },
): number {
  let best = 0
  for (const [i, { up, isReachedBy }] of levels.entries()) {
    const reaching = real.filter(({ value }) => isReachedBy(value)).length
    // What is missing may be held to breach, but never to reach more than the mildest step.
    if (reaching + (i === 0 ? assumed : 0) >= m) best = Math.max(best, up)
  }
  return best
}

type RealPoint = Point & { value: number }

function isReal(point: Point): point is RealPoint {
  return point.state === "real" && point.value !== null
}

/** A server that was RUNNING, and from when on its metrics are evidence, epoch milliseconds. */
interface WarmServer {
  id: string
  warmSince: number
}

function runningSince(servers: Server[], { state, policy }: Situation): WarmServer[] {
  return servers
    .filter(({ status }) => status === "RUNNING")
    .map((server) => ({ id: server.id, warmSince: warmSince(server, state, policy) }))
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
  const spokesman = reading.series.find((series) => series.server === null)
  if (spokesman) return starts.map((at) => dated(spokenPoint(at, spokesman), situation))
  const ofServers = { rule, running, byServer: firstByServer(reading.series) }
  return starts.map((at) => dated(pointOverServers(at, ofServers), situation))
}

function firstByServer(all: readonly Series[]): Map<string, Series> {
  const byServer = new Map<string, Series>()
  for (const series of all)
    if (series.server !== null && !byServer.has(series.server)) byServer.set(series.server, series)
  return byServer
}

/** One period of a series that speaks for the whole supernode. */
function spokenPoint(at: number, { points }: Series): Point {
  const value = valueAt(points, at)
  const isMissing = value === null
  return { at, value, state: isMissing ? "missing" : "real", reported: isMissing ? 0 : 1, expected: 1 }
}

interface ServersFacts {
  rule: Rule
  running: WarmServer[]
  byServer: ReadonlyMap<string, Series>
}

/** One period over the servers. It is real only if the quorum of those that were RUNNING and warm reported. */
function pointOverServers(at: number, { rule, running, byServer }: ServersFacts): Point {
  const reported: number[] = []
  let expected = 0
  for (const server of running) {
    if (at < server.warmSince) continue
    expected += 1
    const value = valueAt(byServer.get(server.id)?.points ?? [], at)
    if (value !== null) reported.push(value)
  }
  // ceil, with a hair for 0.1 + 0.2: 80 % of 5 servers is 4, not 5.
  const needed = Math.max(1, Math.ceil(rule.metric.quorum * expected - 1e-9))
  const aggregated = reported.length >= needed ? aggregate(reported, rule.metric.aggregate) : null
  // The sum of huge values may leave the range of numbers: what cannot be said is missing.
  const value = Number.isFinite(aggregated) ? aggregated : null
  return { at, value, state: value === null ? "missing" : "real", reported: reported.length, expected }
}

/** The alarm's own points, newest first: it counts only what is about this supernode and no other, and of now. */
function alarmPoints({ situation, rule, reading }: PeriodFacts): Point[] {
  const series = reading.series.find((candidate) => candidate.server !== null || situation.exclusive)
  const periodMs = reading.periodMs ?? 0
  const staleBefore = situation.now - STALE_POINT_MS - (rule.points.n + 1) * periodMs
  const newestFirst = (series?.points ?? [])
    .filter(({ at, value }) => Number.isFinite(value) && at > staleBefore && at <= situation.now + AHEAD_MS)
    .sort((a, b) => b.at - a.at)
  const kept: Datapoint[] = []
  for (const point of newestFirst) {
    const last = kept.at(-1)
    // Two that lie within one period are one point. An alarm's times need not be aligned, so half a period decides.
    if (!last || last.at - point.at > periodMs / 2) kept.push(point)
  }
  const oldest = periodMs > 0 ? (kept[0]?.at ?? 0) - (rule.points.n - 0.5) * periodMs : -Infinity
  return kept
    .filter(({ at }) => at >= oldest)
    .slice(0, rule.points.n)
    .map(({ at, value }) => dated({ at, value, state: "real", reported: 1, expected: 1 }, situation))
}

/** A period that began before the newest purchase was warm says nothing about whether that purchase was enough. */
function dated(point: Point, { state, policy }: Situation): Point {
  const warm = state.completedAt === null ? -Infinity : state.completedAt + policy.warmupMs
  return point.at < warm ? { ...point, state: "early" } : point
}

/** From when on a server's metrics are evidence, epoch milliseconds: a server needs its warm-up too. */
export function warmSince(server: Server, state: SupernodeState, policy: Policy): number {
  if (includesId(state.newServers, server.id))
    return state.completedAt === null ? -Infinity : state.completedAt + policy.warmupMs
  // One whose creation is unreadable counts as created when first seen, which the chain remembers with all that came
  // without us; before the chain remembers anything, that is now, and so it is not warm.
  const { foreignAt, completedAt } = state
  const seenAt = Math.max(foreignAt ?? -Infinity, completedAt ?? -Infinity)
  const startedAt = server.createAt ?? (seenAt === -Infinity ? Infinity : seenAt)
  return startedAt + policy.warmupMs
}

function valueAt(points: Datapoint[], at: number): number | null {
  const point = points.find((candidate) => candidate.at === at)
  return point && Number.isFinite(point.value) ? point.value : null
}

/** One value of several servers, as a rule combines them. `values` is not empty. */
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
