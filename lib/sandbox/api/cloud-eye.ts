import * as z from "zod"
import type { ApiRequest } from "../api-request.ts"
import { jsonBodyOf } from "../json-body.ts"
import { ok, type SandboxResponse, serviceError } from "../response.ts"
import { STATISTICS, samplesOf, statisticOf } from "../world/load.ts"
import { type MetricWindow, PERIOD_NAMES, PERIODS, periodsOf } from "../world/metric-window.ts"
import { sayIssue } from "../world/problem.ts"
import { dimensionsOf, NPU_USAGE, type Reporter, reportersOf } from "../world/series.ts"
import type { World } from "../world/world.ts"

// POST /V1.0/{project_id}/batch-query-metric-data (docs/huawei-api.md, Cloud Eye).

const MAX_BYTES = 512 * 1024
const timestamp = z.int().min(1_111_111_111_111).max(9_999_999_999_999)

export const namespaceText = z
  .string()
  .min(3)
  .max(32)
  .regex(/^[A-Za-z]\w*\.[A-Za-z]\w*$/, { error: "must be service.item" })
export const metricNameText = z.string().regex(/^[A-Za-z]\w{0,95}$/, { error: "must be a metric name" })
const dimension = z.strictObject({
  name: z.string().regex(/^[A-Za-z][\w-]{0,31}$/, { error: "must be 1 to 32 letters, digits or _-" }),
  value: z.string().min(1).max(256),
})

const query = z
  .strictObject({
    metrics: z
      .array(
        z.strictObject({
          namespace: namespaceText,
          metric_name: metricNameText,
          dimensions: z.array(dimension).min(1).max(4),
        }),
      )
      .min(1)
      .max(500),
    from: timestamp,
    to: timestamp,
    period: z.enum(PERIOD_NAMES),
    filter: z.enum(STATISTICS),
  })
  .refine(({ from, to }) => from < to, { path: ["from"], error: "must be before to" })

type Metric = z.output<typeof query>["metrics"][number]

/**
 * Answers batch-query-metric-data. Metrics and dimensions without a reporter get no datapoints, and no error.
 */
export function answerMetricData(world: World, request: ApiRequest): SandboxResponse {
  if (request.body.byteLength > MAX_BYTES) return badRequest("the body must be at most 512 KB")
  const json = jsonBodyOf({ contentType: request.headers["content-type"], body: request.body })
  if (!json.ok) return badRequest(json.why)
  const parsed = query.safeParse(json.value)
  if (!parsed.success) return badRequest(parsed.error.issues.map(sayIssue).join("; "))
  const { metrics, ...window } = parsed.data
  const periods = periodsOf(window, { metrics: metrics.length, now: world.clock.now() })
  return ok({
    metrics: metrics.map((metric) => {
      const source = sourceOf(world, { metric, projectId: request.route.projectId })
      return {
        ...metric,
        ...(source ? { unit: NPU_USAGE.unit } : {}),
        datapoints: source ? pointsOf(source, { window, periods }) : [],
      }
    }),
  })
}

/** HTTP 400 in Cloud Eye's form. */
export function badRequest(message: string): SandboxResponse {
  return serviceError(400, "ces.0014", message)
}

function sourceOf(
  world: World,
  { metric, projectId }: { metric: Metric; projectId: string },
): Reporter | null {
  const isOurs = metric.namespace === NPU_USAGE.namespace && metric.metric_name === NPU_USAGE.metric_name
  if (!isOurs) return null
  const expectedDimensions = JSON.stringify(metric.dimensions.map(({ name, value }) => [name, value]))
  const isAsked = (reporter: Reporter) =>
    JSON.stringify(dimensionsOf(reporter).map(({ name, value }) => [name, value])) === expectedDimensions
  return reportersOf(world, projectId).find(isAsked) ?? null
}

/** A datapoint carries only the requested statistic; a period without samples has none. */
function pointsOf(
  source: Reporter,
  { window, periods }: { window: MetricWindow; periods: number[] },
): object[] {
  const { periodMs } = PERIODS[window.period]
  return periods.flatMap((start) => {
    const samples = samplesOf({ ...source, start, spanMs: periodMs })
    return samples.length === 0
      ? []
      : [{ [window.filter]: statisticOf(samples, window.filter), timestamp: start }]
  })
}
