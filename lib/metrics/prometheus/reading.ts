import { isSameId } from "../../decision/inputs/id.ts"
import { newestPeriods, type Reading, type Series } from "../../decision/inputs/reading.ts"
import type { Datapoint } from "../../decision/inputs/signal.ts"
import { presentServers, type Server } from "../../decision/inputs/supernode.ts"
import type { Rule } from "../../decision/policy/policy.ts"
import type { MetricQuery } from "../../ports.ts"
import type { MeterKind, SeriesAnswer, Want } from "../batching/requests.ts"
import { pointsAt } from "../points.ts"
import { type SeriesProblem, sayProblems } from "../problems.ts"
import type { MetricSources } from "../sources.ts"
import type { PrometheusSeries } from "./answer.ts"
import { queryRangeUrl } from "./http.ts"

// A sample of a range query at instant t is the expression evaluated AT t, from the data up to t. One of our
// points has the START of its period. So the value of the period [s, s + period) is the evaluation at its
// end, s + period. That is the first instant at which an expression over the last period, such as
// rate(x[5m]), covers exactly that period.
//
// Prometheus repeats an old sample for up to 5 minutes (its lookback), so data of a dead meter is missing
// only after that. We cannot tell a repeated value from a fresh one, and we do not add values after the last
// one.

export type PrometheusSource = NonNullable<Rule["metric"]["prometheus"]>

/** Data that one rule needs from a Prometheus: an expression over these periods. */
export interface PrometheusWant {
  source: PrometheusSource
  /** Starts of the periods, newest first. */
  starts: number[]
  servers: Server[]
}

/** Maximum number of evaluations in one request. Prometheus refuses more than 11,000. */
const MAX_EVALUATIONS = 1_000

export function prometheusWant(
  rule: Rule,
  source: PrometheusSource,
  { supernode, now }: Pick<MetricQuery, "supernode" | "now">,
): PrometheusWant {
  const window = { now, periodMs: source.period, lagMs: rule.metric.lag, count: rule.points.n }
  return { source, starts: newestPeriods(window), servers: presentServers(supernode) }
}

/** One expression at one Prometheus. */
export type PrometheusAsked = Pick<PrometheusSource, "url" | "query" | "period">

/** Prometheus as a meter: one request per expression and window, since a request can contain only one. */
export function prometheusKind(
  sources: Pick<MetricSources, "prometheus">,
): MeterKind<PrometheusAsked, PrometheusSeries[]> {
  return {
    periodMs: ({ period }) => period,
    keyOf: ({ url, query, period }) => JSON.stringify([url, query, period]),
    placeOf: ({ url }) => queryRangeUrl(url).origin,
    maxPeriods: MAX_EVALUATIONS,
    pack: (ranges) => ranges.map((one) => [one]),
    async ask(together) {
      const [one] = together
      if (!one) return { ok: true, value: [], skewMs: null }
      const { url, query, period: periodMs } = one.series
      const window = { start: one.oldest + periodMs, end: one.newest + periodMs }
      const read = await sources.prometheus({ url, query, ...window, periodMs })
      return read.ok ? { ...read, value: [read.value] } : read
    },
  }
}

export function expressionOf({ source, starts }: PrometheusWant): Want<PrometheusAsked>[] {
  const { url, query, period } = source
  return [{ series: { url, query, period }, starts }]
}

/** The reading of one rule from the answers to its expression. */
export function prometheusReading(
  rule: string,
  want: PrometheusWant,
  received: readonly SeriesAnswer<PrometheusSeries[]>[],
): Reading {
  const answers = received.map(({ read }) => read)
  const problems: SeriesProblem[] = []
  for (const answer of answers) {
    if (!answer.ok) problems.push({ server: null, says: `Prometheus could not be read: ${answer.why}` })
  }
  const matrix = answers.flatMap((answer) => (answer.ok ? (answer.value ?? []) : []))
  const anyCame = answers.some(({ ok }) => ok)
  const choice =
    want.source.server_label === undefined ? asOne(matrix) : byServer(matrix, want, want.source.server_label)
  if ("unclear" in choice) problems.push({ server: null, says: choice.unclear })
  const series = "unclear" in choice ? [] : choice.series.map((one) => atPeriods(one, want))
  if (anyCame && !("unclear" in choice)) problems.push(...missingNumbers(series, choice.expected))
  const failures = answers.flatMap((answer) => (answer.ok ? [] : [answer]))
  const isUnreadable = matrix.some(({ unreadable }) => unreadable)
  if (isUnreadable) problems.push({ server: null, says: "Prometheus's response has unreadable samples" })
  const isUnasked = "unclear" in choice || isUnreadable || failures.some(({ refused }) => refused)
  return {
    rule,
    periodMs: want.source.period,
    series: anyCame ? series : [],
    problem: sayProblems(problems),
    ...(failures.some(({ credentials }) => credentials) ? { credentials: true as const } : {}),
    ...(isUnasked ? { unasked: true as const } : {}),
  }
}

/** Series by server, and the servers that should have one; or the reason why the owners are unclear. */
type SeriesChoice = { series: Series[]; expected: (string | null)[] } | { unclear: string }

/** Without a server label, one series covers the supernode; with several, it is unclear which one counts. */
function asOne(matrix: readonly PrometheusSeries[]): SeriesChoice {
  const distinct = new Set(matrix.map(({ labels }) => JSON.stringify(Object.entries(labels).sort())))
  if (distinct.size > 1) {
    const unclear = `the query has ${distinct.size} series: aggregate in the query, or write server_label`
    return { unclear }
  }
  return { series: [{ server: null, points: matrix.flatMap(({ points }) => points) }], expected: [null] }
}

/**
 * Finds each series' server by the label. Omits servers of other supernodes, since they may share a query.
 */
function byServer(
  matrix: readonly PrometheusSeries[],
  { servers }: PrometheusWant,
  label: string,
): SeriesChoice {
  const owners = new Map<string, { labels: string; points: Datapoint[] }>()
  for (const { labels, points } of matrix) {
    const value = Object.hasOwn(labels, label) ? labels[label] : undefined
    const named = servers.filter((server) => typeof value === "string" && isNameOf(server, value))
    const [server] = named
    if (!server) continue
    if (named.length > 1)
      return {
        unclear: `the label ${label} matches several servers: ${named.map(({ id }) => id).join(" and ")}`,
      }
    const identity = JSON.stringify(Object.entries(labels).sort())
    const known = owners.get(server.id)
    if (known && known.labels !== identity)
      return {
        unclear: `the query has several series of server ${server.id}: aggregate by (${label}) in the query`,
      }
    owners.set(server.id, { labels: identity, points: [...(known?.points ?? []), ...points] })
  }
  if (owners.size === 0 && matrix.length > 0 && servers.length > 0)
    return { unclear: `no series of the query has a server of this supernode in its label ${label}` }
  const series = [...owners].map(([server, { points }]) => ({ server, points }))
  return { series, expected: servers.map(({ id }) => id) }
}

/** True if the text is the server's exact name or, ignoring case, one of its ids. Never for an empty text. */
function isNameOf({ id, name, cloudServer }: Server, text: string): boolean {
  const ids = [id, cloudServer.id, cloudServer.hpsId, cloudServer.hpsEcsId]
  return text !== "" && (name === text || ids.some((one) => one !== null && isSameId(one, text)))
}

function atPeriods({ server, points }: Series, { source, starts }: PrometheusWant): Series {
  const shifted = points.map(({ at, value }) => ({ at: at - source.period, value }))
  return { server, points: pointsAt(starts, shifted) }
}

function missingNumbers(series: readonly Series[], expected: readonly (string | null)[]): SeriesProblem[] {
  const says = "Prometheus has no number at the end of any requested period"
  return expected
    .filter((server) => !series.some((one) => one.server === server && one.points.length > 0))
    .map((server) => ({ server, says }))
}
