import * as z from "zod"
import type { Datapoint } from "../decision/inputs/signal.ts"
import type { Read } from "../ports.ts"
import type { CloudReader } from "./http.ts"
import type { Parsed } from "./http-answer.ts"

/** API page: 1 to 500 metrics per request. */
const MAX_METRICS = 500

/** One metric of one resource. */
export interface CloudEyeMetric {
  namespace: string
  metric_name: string
  dimensions: { name: string; value: string }[]
}

/** Body of batch-query-metric-data, sent as it is: to split by Cloud Eye's limits is the caller's business. */
export interface CloudEyeQuery {
  metrics: CloudEyeMetric[]
  /** Epoch milliseconds. */
  from: number
  to: number
  /** Seconds as text, such as "300". */
  period: string
  /** average, max, min, sum or variance. */
  filter: string
}

/** One element of the answer's `metrics[]`, its datapoints reduced to the statistic asked for, oldest first. */
export interface CloudEyeSeries {
  namespace: string
  metricName: string
  dimensions: { name: string; value: string }[]
  points: Datapoint[]
}

const dimension = z.looseObject({ name: z.string(), value: z.string() })
const series = z.looseObject({
  namespace: z.string(),
  metric_name: z.string(),
  dimensions: z.array(dimension),
  datapoints: z.array(z.unknown()).catch([]),
})
const shape = z.looseObject({ metrics: z.array(z.unknown()) })

/** POST /V1.0/{project_id}/batch-query-metric-data. A read, in spite of its method, so it may be repeated. */
export async function queryMetrics(
  reader: CloudReader,
  { endpoint, projectId }: { endpoint: string; projectId: string },
  query: CloudEyeQuery,
): Promise<Read<CloudEyeSeries[]>> {
  const operation = "batchListMetricData"
  if (query.metrics.length > MAX_METRICS) {
    const why = `${operation} was not asked: ${query.metrics.length} metrics in one request, at most ${MAX_METRICS} are allowed`
    return { ok: false, why, credentials: false }
  }
  if (query.metrics.length === 0) return { ok: true, value: [], skewMs: null }
  const url = `${endpoint}/V1.0/${projectId}/batch-query-metric-data`
  return reader.read({ operation, method: "POST", url, projectId, body: query }, (json) =>
    seriesOf(json, query.filter),
  )
}

/** A series whose name cannot be read is left out: its caller sees that it did not come. */
function seriesOf(json: unknown, filter: string): Parsed<CloudEyeSeries[]> {
  const parsed = shape.safeParse(json)
  if (!parsed.success) return { ok: false, why: "the answer has no list `metrics`" }
  const value = parsed.data.metrics.flatMap((item) => {
    const { data } = series.safeParse(item)
    if (!data) return []
    const dimensions = data.dimensions.map(({ name, value }) => ({ name, value }))
    return [
      {
        namespace: data.namespace,
        metricName: data.metric_name,
        dimensions,
        points: pointsOf(data.datapoints, filter),
      },
    ]
  })
  return { ok: true, value }
}

/** Only finite numbers under the statistic's own name: another statistic, or text, is no measurement of it. */
function pointsOf(datapoints: readonly unknown[], filter: string): Datapoint[] {
  const shape = z.looseObject({ timestamp: z.number(), [filter]: z.number() })
  return datapoints
    .flatMap((item): Datapoint[] => {
      const point: Readonly<Record<string, unknown>> | undefined = shape.safeParse(item).data
      const at = point?.["timestamp"]
      const value = point?.[filter]
      return typeof at === "number" && typeof value === "number" ? [{ at, value }] : []
    })
    .sort((a, b) => a.at - b.at)
}
