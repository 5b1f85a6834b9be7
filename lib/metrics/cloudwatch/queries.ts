import type { MeterKind, PeriodRange } from "../batching/requests.ts"
import type { CloudWatchMetric, CloudWatchSeries, MetricSources } from "../sources.ts"

// GetMetricData accepts 500 metrics with any namespaces, statistics and periods, but only one window for all
// of them. It returns at most 100,800 datapoints per page. The start of the window must be aligned to the
// period of every metric. Otherwise the metric's periods would shift, and none of its points would match our
// periods.
const MAX_METRICS = 500
export const MAX_DATAPOINTS = 100_800
/** Maximum number of points per metric. A longer window than needed costs points but no request. */
const MAX_POINTS_EACH = 1_440

export interface CloudWatchSeriesDemand {
  region: string
  metric: CloudWatchMetric
}

type CloudWatchRange = PeriodRange<CloudWatchSeriesDemand>

/** CloudWatch as a meter: one request per region for all metrics whose windows can be merged. */
export function cloudwatchKind(
  sources: Pick<MetricSources, "cloudwatch">,
): MeterKind<CloudWatchSeriesDemand, CloudWatchSeries> {
  return {
    periodMs: ({ metric }) => metric.periodMs,
    keyOf: ({ region, metric }) => JSON.stringify([region, keyOf(metric)]),
    placeOf: ({ region }) => region,
    maxPeriods: MAX_POINTS_EACH,
    pack: packCloudWatch,
    ask(ranges) {
      const region = ranges[0]?.series.region ?? ""
      const metrics = ranges.map(({ series }) => series.metric)
      return sources.cloudwatch({ region, ...windowOf(ranges), metrics })
    },
  }
}

function keyOf({ namespace, name, dimensions, statistic, periodMs }: CloudWatchMetric): string {
  const sorted = dimensions
    .map((dimension) => [dimension.name, dimension.value])
    .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1))
  return JSON.stringify([namespace, name, sorted, statistic, periodMs])
}

/** Puts each range into the first group that it fits into, longest first: those are the hardest to place. */
function packCloudWatch(ranges: readonly CloudWatchRange[]): CloudWatchRange[][] {
  const groups: CloudWatchRange[][] = []
  for (const one of ranges.toSorted((a, b) => spanOf(b) - spanOf(a))) {
    const group = groups.find((candidate) => mayJoin(candidate, one))
    if (group) group.push(one)
    else groups.push([one])
  }
  return groups
}

function mayJoin(group: readonly CloudWatchRange[], one: CloudWatchRange): boolean {
  if (group.length >= MAX_METRICS || group[0]?.series.region !== one.series.region) return false
  const ranges = [...group, one]
  const { from, to } = windowOf(ranges)
  const points = ranges.map(({ series }) => (to - from) / series.metric.periodMs)
  const total = points.reduce((sum, count) => sum + count, 0)
  return Math.max(...points) <= MAX_POINTS_EACH && total <= MAX_DATAPOINTS
}

/** The window of all ranges. It starts early enough to be aligned to the periods of all metrics. */
function windowOf(ranges: readonly CloudWatchRange[]): { from: number; to: number } {
  const step = [...new Set(ranges.map(({ series }) => series.metric.periodMs))].reduce(leastCommonMultiple, 1)
  const first = Math.min(...ranges.map(({ oldest }) => oldest))
  const to = Math.max(...ranges.map(({ newest, series }) => newest + series.metric.periodMs))
  return { from: Math.floor(first / step) * step, to }
}

function spanOf({ oldest, newest, series }: CloudWatchRange): number {
  return newest + series.metric.periodMs - oldest
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b]
  while (y > 0) [x, y] = [y, x % y]
  return (a / x) * b
}
