import * as z from "zod"
import type { CloudEyeQuery, CloudEyeSeries } from "../cloud-eye.ts"
import type { Datapoint } from "../decision/inputs/signal.ts"
import { onFirstUse } from "../on-first-use.ts"
import type { Read } from "../ports.ts"
import { listIn } from "./answer-list.ts"
import type { Parsed } from "./cloud-response.ts"
import { exactText } from "./exact-text.ts"
import type { CloudReader } from "./http.ts"
import { instantOf } from "./instant.ts"

/** API page: 1 to 500 metrics per request. */
const MAX_METRICS = 500

/** One metric of one resource, as every answer of Cloud Eye names it. */
export const metricShape = onFirstUse(() =>
  z.looseObject({
    namespace: exactText(),
    metric_name: exactText(),
    dimensions: z.array(z.looseObject({ name: exactText(), value: exactText() })),
  }),
)
const seriesShape = onFirstUse(() => metricShape().extend({ datapoints: z.unknown().optional() }))

/**
 * POST /V1.0/{project_id}/batch-query-metric-data. It is a read despite its method, so it may be repeated.
 */
export async function queryMetrics(
  reader: CloudReader,
  { endpoint, projectId }: { endpoint: string; projectId: string },
  query: CloudEyeQuery,
): Promise<Read<CloudEyeSeries[]>> {
  const operation = "batchListMetricData"
  if (query.metrics.length > MAX_METRICS) {
    const why = `${operation} was not sent: ${query.metrics.length} metrics in one request, the maximum is ${MAX_METRICS}`
    return { ok: false, why, credentials: false }
  }
  if (query.metrics.length === 0) return { ok: true, value: [], skewMs: null }
  const url = `${endpoint}/V1.0/${projectId}/batch-query-metric-data`
  return reader.read({ operation, method: "POST", url, projectId, body: query }, (json, receivedAt) =>
    seriesOf(json, { filter: query.filter, receivedAt }),
  )
}

interface Statistic {
  filter: string
  receivedAt: number
}

/** Omits a series whose name cannot be read; the caller notices that it is missing. */
function seriesOf(json: unknown, statistic: Statistic): Parsed<CloudEyeSeries[]> {
  const list = listIn(json, "metrics")
  if (!list.ok) return list
  const value = list.value.flatMap((item) => {
    const { data } = seriesShape().safeParse(item)
    if (!data) return []
    const dimensions = data.dimensions.map(({ name, value }) => ({ name, value }))
    return [
      {
        namespace: data.namespace,
        metricName: data.metric_name,
        dimensions,
        ...pointsOf(data.datapoints, statistic),
      },
    ]
  })
  return { ok: true, value }
}

/**
 * Points with a finite number under the name of the statistic. A point that cannot be read makes the series
 * `unreadable`: its period must not count as missing data, which a rule may treat as breaching.
 */
function pointsOf(
  list: unknown,
  { filter, receivedAt }: Statistic,
): Pick<CloudEyeSeries, "points" | "unreadable"> {
  if (!Array.isArray(list)) return { points: [], unreadable: true }
  const points: Datapoint[] = []
  let isReadable = true
  for (const item of list) {
    // No schema: each statistic would need its own, and there may be thousands of points.
    const { timestamp: at, [filter]: value } = (item ?? {}) as Readonly<Record<string, unknown>>
    const isPoint = isFiniteNumber(at) && isFiniteNumber(value)
    if (isPoint) points.push({ at, value })
    if (!isPoint || instantOf(at, receivedAt) === null) isReadable = false
  }
  points.sort((a, b) => a.at - b.at)
  return isReadable ? { points } : { points, unreadable: true }
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value)
}
