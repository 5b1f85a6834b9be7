import type { CloudEyeMetric, CloudEyeQuery, CloudEyeSeries, CloudPlace } from "../../cloud-eye.ts"
import type { Read } from "../../ports.ts"
import type { MeterKind, PeriodRange } from "../batching/requests.ts"
import type { MetricSources } from "../sources.ts"
import { metricKey } from "./dimensions.ts"

// Limits of batch-query-metric-data. If there are too many datapoints, Cloud Eye silently moves `from`
// forward, which would look like missing data. So the limits are enforced here.
const MAX_METRICS = 500
const MAX_DATAPOINTS = 3_000
/** The documented limit is 512 KB; we use the smaller meaning, 512,000 bytes. */
const MAX_BODY_BYTES = 512_000
/**
 * Maximum number of periods per request. With the period before it, this is shorter than every documented
 * span (the shortest is 4 h, for periods of 1 min).
 */
const MAX_PERIODS = 100

/** One metric of one resource with one statistic and period. */
export interface CloudEyeSeriesDemand {
  place: CloudPlace
  periodMs: number
  filter: string
  metric: CloudEyeMetric
}

/** Points received for one metric. */
export type CloudEyePoints = Pick<CloudEyeSeries, "points" | "unreadable">

type CloudEyeRange = PeriodRange<CloudEyeSeriesDemand>

/**
 * Cloud Eye as a meter: one request per project, period, statistic and window, split to stay in its limits.
 */
export function cloudEyeKind(
  sources: Pick<MetricSources, "cloudEye">,
): MeterKind<CloudEyeSeriesDemand, CloudEyePoints> {
  return {
    periodMs: ({ periodMs }) => periodMs,
    keyOf: seriesKey,
    placeOf: ({ place }) => JSON.stringify([place.region, place.projectId]),
    maxPeriods: MAX_PERIODS,
    pack: packCloudEye,
    ask: (ranges) => ask(sources, ranges),
  }
}

/** Equal for the same metric with the same statistic and period, whatever the order of its dimensions. */
function seriesKey({ place, periodMs, filter, metric }: CloudEyeSeriesDemand): string {
  return JSON.stringify([place.region, place.projectId, periodMs, filter, metricKey(metric)])
}

function packCloudEye(ranges: readonly CloudEyeRange[]): CloudEyeRange[][] {
  const batches = new Map<string, CloudEyeRange[]>()
  for (const one of ranges) {
    const { place, periodMs, filter } = one.series
    const key = JSON.stringify([place.region, place.projectId, periodMs, filter, one.oldest, one.newest])
    const batch = batches.get(key) ?? []
    batch.push(one)
    batches.set(key, batch)
  }
  return [...batches.values()].flatMap(split)
}

function split(batch: readonly CloudEyeRange[]): CloudEyeRange[][] {
  const [first] = batch
  if (!first) return []
  const window = windowOf(first)
  const pointsEach = (window.to - window.from) / first.series.periodMs + 1
  const maxMetrics = Math.min(MAX_METRICS, Math.floor(MAX_DATAPOINTS / pointsEach))
  const emptyBytes = Buffer.byteLength(JSON.stringify({ metrics: [], ...window }))
  const groups: CloudEyeRange[][] = []
  let current: CloudEyeRange[] | undefined
  let bytes = 0
  for (const one of batch) {
    const more = Buffer.byteLength(JSON.stringify(one.series.metric)) + 1
    if (current === undefined || current.length === maxMetrics || bytes + more > MAX_BODY_BYTES) {
      current = []
      groups.push(current)
      bytes = emptyBytes
    }
    current.push(one)
    bytes += more
  }
  return groups
}

/**
 * The window starts one whole period early, since an aggregate may otherwise be empty. `to` is the end of the
 * newest period. It is not documented whether `to` is inclusive, so a point there counts against the limit
 * and is dropped.
 */
function windowOf({ series, oldest, newest }: CloudEyeRange): Omit<CloudEyeQuery, "metrics"> {
  const { periodMs, filter } = series
  return { from: oldest - periodMs, to: newest + periodMs, period: String(periodMs / 1_000), filter }
}

async function ask(
  sources: Pick<MetricSources, "cloudEye">,
  ranges: readonly CloudEyeRange[],
): Promise<Read<(CloudEyePoints | null)[]>> {
  const [first] = ranges
  if (!first) return { ok: true, value: [], skewMs: null }
  const window = windowOf(first)
  const metrics = ranges.map(({ series }) => series.metric)
  const read = await sources.cloudEye(first.series.place, { metrics, ...window })
  if (!read.ok) return read
  const pointsByKey = pointsByMetric(read.value, window)
  return {
    ok: true,
    value: metrics.map((metric) => pointsByKey.get(metricKey(metric)) ?? null),
    skewMs: read.skewMs,
  }
}

function pointsByMetric(
  series: readonly CloudEyeSeries[],
  { from, to }: Pick<CloudEyeQuery, "from" | "to">,
): Map<string, CloudEyePoints> {
  const pointsByKey = new Map<string, CloudEyePoints>()
  for (const { namespace, metricName, dimensions, points, unreadable } of series) {
    const key = metricKey({ namespace, metric_name: metricName, dimensions })
    // The period at `from` only completes the next one; another request may return it in full.
    const before = pointsByKey.get(key)
    pointsByKey.set(key, {
      points: [...(before?.points ?? []), ...points.filter(({ at }) => from < at && at < to)],
      ...(unreadable || before?.unreadable ? { unreadable: true as const } : {}),
    })
  }
  return pointsByKey
}
