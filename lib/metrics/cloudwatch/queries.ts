import type { MeterKind, PeriodRange } from "../batching/requests.ts"
import type { CloudWatchMetric, CloudWatchSeries, MetricSources } from "../sources.ts"

// GetMetricData takes 500 metrics of any namespaces, statistics and periods, but one window for them all, and gives at
// most 100,800 datapoints before it pages. A window must be aligned to every period in it: a start that is not would
// shift the metric's periods, and none of its points would be of ours.
const MAX_METRICS = 500
export const MAX_DATAPOINTS = 100_800
/** A metric asked for over a longer window than it is wanted for costs points, but no request. */
const MAX_POINTS_EACH = 1_440

export interface CloudWatchSeriesDemand {
  region: string
  metric: CloudWatchMetric
}

type Asked = PeriodRange<CloudWatchSeriesDemand>

/** CloudWatch as a meter: one request per region for all metrics whose windows can be made one. */
export function cloudwatchKind(
  sources: Pick<MetricSources, "cloudwatch">,
): MeterKind<CloudWatchSeriesDemand, CloudWatchSeries> {
  return {
    periodMs: ({ metric }) => metric.periodMs,
    keyOf: ({ region, metric }) => JSON.stringify([region, keyOf(metric)]),
    placeOf: ({ region }) => region,
    maxPeriods: MAX_POINTS_EACH,
    pack: packCloudWatch,
    ask(together) {
      const region = together[0]?.series.region ?? ""
      const metrics = together.map(({ series }) => series.metric)
      return sources.cloudwatch({ region, ...windowOf(together), metrics })
    },
  }
}

function keyOf({ namespace, name, dimensions, statistic, periodMs }: CloudWatchMetric): string {
  const sorted = dimensions
    .map((dimension) => [dimension.name, dimension.value])
    .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1))
  return JSON.stringify([namespace, name, sorted, statistic, periodMs])
}

/** Each goes to the first group that it fits into, the longest windows first: those are the hardest to place. */
function packCloudWatch(asked: readonly Asked[]): Asked[][] {
  const groups: Asked[][] = []
  for (const one of asked.toSorted((a, b) => spanOf(b) - spanOf(a))) {
    const group = groups.find((candidate) => mayJoin(candidate, one))
    if (group) group.push(one)
    else groups.push([one])
  }
  return groups
}

function mayJoin(group: readonly Asked[], one: Asked): boolean {
  if (group.length >= MAX_METRICS || group[0]?.series.region !== one.series.region) return false
  const together = [...group, one]
  const { from, to } = windowOf(together)
  const points = together.map(({ series }) => (to - from) / series.metric.periodMs)
  const total = points.reduce((sum, count) => sum + count, 0)
  return Math.max(...points) <= MAX_POINTS_EACH && total <= MAX_DATAPOINTS
}

/** From the first wanted period of any to the end of the last, begun early enough to be aligned to the periods of all. */
function windowOf(together: readonly Asked[]): { from: number; to: number } {
  const step = [...new Set(together.map(({ series }) => series.metric.periodMs))].reduce(
    leastCommonMultiple,
    1,
  )
  const first = Math.min(...together.map(({ oldest }) => oldest))
  const to = Math.max(...together.map(({ newest, series }) => newest + series.metric.periodMs))
  return { from: Math.floor(first / step) * step, to }
}

function spanOf({ oldest, newest, series }: Asked): number {
  return newest + series.metric.periodMs - oldest
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b]
  while (y > 0) [x, y] = [y, x % y]
  return (a / x) * b
}
