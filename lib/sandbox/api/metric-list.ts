import * as z from "zod"
import type { ApiRequest } from "../api-request.ts"
import { ok, type SandboxResponse } from "../response.ts"
import { sayIssue } from "../world/problem.ts"
import { dimensionsOf, NPU_USAGE, type Reporter, reportersOf } from "../world/series.ts"
import type { World } from "../world/world.ts"
import { badRequest, metricNameText, namespaceText } from "./cloud-eye.ts"

const dim = z
  .string()
  .regex(/^[^,]{1,32},.{1,256}$/, { error: "must be key,value" })
  .optional()

const query = z.strictObject({
  namespace: namespaceText.optional(),
  metric_name: metricNameText.optional(),
  "dim.0": dim,
  "dim.1": dim,
  "dim.2": dim,
  start: z.string().optional(),
  limit: z
    .string()
    .regex(/^([1-9]\d{0,2}|1000)$/, { error: "must be 1 to 1000" })
    .default("1000")
    .transform(Number),
  order: z.enum(["asc", "desc"]).default("desc"),
})

/**
 * GET /V1.0/{project_id}/metrics: the existing series, page by page; `start` is the marker of the page
 * before.
 */
export function answerMetricList(world: World, request: ApiRequest): SandboxResponse {
  const parsed = query.safeParse(Object.fromEntries(new URLSearchParams(request.query)))
  if (!parsed.success) return badRequest(parsed.error.issues.map(sayIssue).join("; "))
  const { start, limit } = parsed.data
  const all = reporting(world, request.route.projectId, parsed.data.order).filter((reporter) =>
    matches(reporter, parsed.data),
  )
  const before = start === undefined ? -1 : all.findIndex((reporter) => markerOf(reporter) === start)
  if (start !== undefined && before === -1) return badRequest("start: is not a marker of this list")
  const begin = before + 1
  const page = all.slice(begin, begin + limit)
  const last = page.at(-1)
  return ok({
    meta_data: { count: page.length, marker: last ? markerOf(last) : (start ?? ""), total: all.length },
    metrics: page.map((reporter) => ({
      dimensions: dimensionsOf(reporter),
      metric_name: NPU_USAGE.metric_name,
      namespace: NPU_USAGE.namespace,
      unit: NPU_USAGE.unit,
    })),
  })
}

/**
 * Servers whose agent has ever reported, and their cards. Cloud Eye does not know a server that is CREATING.
 */
function reporting(world: World, projectId: string, order: "asc" | "desc"): Reporter[] {
  const reporters = reportersOf(world, projectId)
    .filter(({ server }) => server.runs.length > 0)
    .sort((a, b) => a.server.createAt - b.server.createAt)
  return order === "asc" ? reporters : reporters.reverse()
}

function matches(reporter: Reporter, filters: z.output<typeof query>): boolean {
  const dims = [filters["dim.0"], filters["dim.1"], filters["dim.2"]].filter((one) => one !== undefined)
  const own = dimensionsOf(reporter).map(({ name, value }) => `${name},${value}`)
  return (
    (filters.namespace ?? NPU_USAGE.namespace) === NPU_USAGE.namespace &&
    (filters.metric_name ?? NPU_USAGE.metric_name) === NPU_USAGE.metric_name &&
    dims.every((one) => own.includes(one))
  )
}

function markerOf(reporter: Reporter): string {
  const dims = dimensionsOf(reporter).map(({ name, value }) => `${name}:${value}`)
  return `${NPU_USAGE.namespace}.${NPU_USAGE.metric_name}.${dims.join(",")}`
}
