import { newestPeriods, type Reading, type Series } from "../../decision/inputs/reading.ts"
import { presentServers, type Server } from "../../decision/inputs/supernode.ts"
import type { Rule } from "../../decision/policy/policy.ts"
import type { MetricQuery } from "../../ports.ts"
import type { SeriesAnswer, Want } from "../batching/requests.ts"
import { fillDimensions, namesServers } from "../cloud-eye/dimensions.ts"
import { pointsAt } from "../points.ts"
import { type SeriesProblem, sayProblems } from "../problems.ts"
import type { CloudWatchMetric, CloudWatchSeries } from "../sources.ts"
import type { CloudWatchSeriesDemand } from "./queries.ts"

export type CloudWatchSource = NonNullable<Rule["metric"]["cloudwatch"]>

/** Data that one rule needs from CloudWatch: these metrics at these period starts. */
export interface CloudWatchWant {
  periodMs: number
  /** Starts of the periods, newest first. */
  starts: number[]
  /** `null` if neither the rule nor AWS_REGION gives a region. */
  region: string | null
  /** One metric per server, or one for the supernode (`server` is null). */
  owners: { server: string | null; metric: CloudWatchMetric }[]
  problems: SeriesProblem[]
}

const STATISTICS = { average: "Average", max: "Maximum", min: "Minimum", sum: "Sum" } as const

/** One metric per present server if the dimensions name servers; otherwise one for the supernode. */
export function cloudwatchWant(
  rule: Rule,
  source: CloudWatchSource,
  { query: { supernode, now }, region }: { query: MetricQuery; region: string | null },
): CloudWatchWant {
  const want: CloudWatchWant = {
    periodMs: source.period,
    starts: newestPeriods({ now, periodMs: source.period, lagMs: rule.metric.lag, count: rule.points.n }),
    region: source.region ?? region,
    owners: [],
    problems: [],
  }
  const say = (server: string | null, says: string) => want.problems.push({ server, says })
  if (want.region === null) {
    say(null, "CloudWatch was not queried: write `region` in the rule's cloudwatch, or set AWS_REGION")
    return want
  }
  const servers: (Server | null)[] = namesServers(source.dimensions) ? presentServers(supernode) : [null]
  for (const server of servers) {
    const filled = fillDimensions(source.dimensions, { supernode: supernode.id, server })
    const id = server?.id ?? null
    if ("lacks" in filled) say(id, `the cloud returned no ${filled.lacks}, so CloudWatch cannot be queried`)
    else want.owners.push({ server: id, metric: metricOf(source, filled.filled) })
  }
  if (servers.length === 0) say(null, "the supernode has no servers to measure")
  return want
}

function metricOf(
  { namespace, name, statistic, period }: CloudWatchSource,
  dimensions: CloudWatchMetric["dimensions"],
): CloudWatchMetric {
  const known: Readonly<Record<string, string>> = STATISTICS
  return { namespace, name, dimensions, statistic: known[statistic] ?? statistic, periodMs: period }
}

/** All series of one rule, in the order of its owners. */
export function cloudwatchSeries({ region, owners, starts }: CloudWatchWant): Want<CloudWatchSeriesDemand>[] {
  return region === null ? [] : owners.map(({ metric }) => ({ series: { region, metric }, starts }))
}

/** The reading of one rule. `received` has the answers in the order of the rule's series. */
export function cloudwatchReading(
  rule: string,
  want: CloudWatchWant,
  received: readonly (readonly SeriesAnswer<CloudWatchSeries>[])[],
): Reading {
  const series: Series[] = []
  const problems: SeriesProblem[] = [...want.problems]
  for (const [i, { server }] of want.owners.entries()) {
    const answers = received[i] ?? []
    const whole = answers.flatMap(({ read }) => (read.ok && read.value?.problem === null ? [read.value] : []))
    const points = pointsAt(
      want.starts,
      whole.flatMap((one) => one.points),
    )
    if (whole.length > 0) series.push({ server, points })
    const reasons = answers.flatMap((one) => reasonForNoData(one) ?? [])
    problems.push(...reasons.map((says) => ({ server, says })))
    if (reasons.length === 0 && points.length === 0)
      problems.push({ server, says: "CloudWatch has no datapoint in the requested periods" })
  }
  const ends = received.flat().map(({ read }) => endOf(read))
  const isUnasked = want.region === null || ends.some(({ refused }) => refused)
  return {
    rule,
    periodMs: want.periodMs,
    series,
    problem: sayProblems(problems),
    ...(ends.some(({ credentials }) => credentials) ? { credentials: true as const } : {}),
    ...(isUnasked ? { unasked: true as const } : {}),
  }
}

function reasonForNoData({ read }: SeriesAnswer<CloudWatchSeries>): string | null {
  if (!read.ok) return `CloudWatch could not be read: ${read.why}`
  return read.value === null ? "CloudWatch's response lacks the series" : read.value.problem
}

/** An incomplete answer, or one without the series, must not count as missing data. */
function endOf(read: SeriesAnswer<CloudWatchSeries>["read"]): { credentials: boolean; refused: boolean } {
  if (!read.ok) return { credentials: read.credentials, refused: read.refused === true }
  const { value } = read
  return { credentials: value?.credentials === true, refused: value?.problem !== null }
}
