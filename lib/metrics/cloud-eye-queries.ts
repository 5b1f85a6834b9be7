import type { CloudEyeWant } from "./cloud-eye-wants.ts"
import type { CloudEyeMetric, CloudEyeQuery } from "./sources.ts"
import { stretches } from "./stretches.ts"

// Limits of batch-query-metric-data. Beyond the datapoints Cloud Eye silently moves `from` forward, which would look
// like missing data; so they are kept here and not left to the answer.
const MAX_METRICS = 500
const MAX_DATAPOINTS = 3_000
/** 512 KB, read the smaller way. */
const MAX_BODY_BYTES = 512_000
/** Longest stretch per request: with the period before it, shorter than every documented span (4 h of 1m is the least). */
const MAX_PERIODS = 100

type Question = Pick<CloudEyeWant, "periodMs" | "filter">
type Batch = Question & { oldest: number; newest: number; metrics: CloudEyeMetric[] }

/** The same metric by the same statistic and period has the same key, whatever the order of its dimensions. */
export function seriesKey(
  { periodMs, filter }: Question,
  { namespace, metric_name, dimensions }: CloudEyeMetric,
): string {
  const sorted = dimensions
    .map(({ name, value }) => [name, value])
    .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1))
  return JSON.stringify([periodMs, filter, namespace, metric_name, sorted])
}

/** The fewest requests, each within the limits, that together ask once for every wanted series at every wanted period. */
export function planQueries(wants: readonly CloudEyeWant[]): CloudEyeQuery[] {
  const batches = new Map<string, Batch>()
  for (const { starts, metric, ...question } of distinctSeries(wants)) {
    for (const [oldest, newest] of stretches(starts, question.periodMs, MAX_PERIODS)) {
      const key = JSON.stringify([question.periodMs, question.filter, oldest, newest])
      const batch = batches.get(key) ?? { ...question, oldest, newest, metrics: [] }
      batch.metrics.push(metric)
      batches.set(key, batch)
    }
  }
  return [...batches.values()].flatMap(splitBatch)
}

function distinctSeries(wants: readonly CloudEyeWant[]) {
  const distinct = new Map<string, Question & { metric: CloudEyeMetric; starts: Set<number> }>()
  for (const { periodMs, filter, starts, series } of wants) {
    for (const { metric } of series) {
      const key = seriesKey({ periodMs, filter }, metric)
      const known = distinct.get(key) ?? { periodMs, filter, metric, starts: new Set<number>() }
      for (const start of starts) known.starts.add(start)
      distinct.set(key, known)
    }
  }
  return distinct.values()
}

function splitBatch({ periodMs, filter, oldest, newest, metrics }: Batch): CloudEyeQuery[] {
  // One whole period before, or an aggregate may come back empty. `to` is the end of the newest period: the end is not
  // documented as inclusive or exclusive, so a point there is counted against the limit and dropped when it comes.
  const window = { from: oldest - periodMs, to: newest + periodMs, period: String(periodMs / 1_000), filter }
  const pointsEach = (window.to - window.from) / periodMs + 1
  const maxMetrics = Math.min(MAX_METRICS, Math.floor(MAX_DATAPOINTS / pointsEach))
  const emptyBytes = Buffer.byteLength(JSON.stringify({ metrics: [], ...window }))

  const queries: CloudEyeQuery[] = []
  let current: CloudEyeQuery | undefined
  let bytes = 0
  for (const metric of metrics) {
    const more = Buffer.byteLength(JSON.stringify(metric)) + 1
    if (current === undefined || current.metrics.length === maxMetrics || bytes + more > MAX_BODY_BYTES) {
      current = { metrics: [], ...window }
      queries.push(current)
      bytes = emptyBytes
    }
    current.metrics.push(metric)
    bytes += more
  }
  return queries
}
