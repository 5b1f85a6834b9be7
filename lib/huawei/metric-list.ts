import * as z from "zod"
import type { CloudEyeListQuery, CloudEyeMetric, CloudEyePage } from "../cloud-eye.ts"
import { isVisible } from "../decision/inputs/foreign-text.ts"
import { onFirstUse } from "../on-first-use.ts"
import type { Read } from "../ports.ts"
import { listIn } from "./answer-list.ts"
import { metricShape } from "./cloud-eye.ts"
import type { Parsed } from "./cloud-response.ts"
import type { CloudReader } from "./http.ts"
import { canonicalQuery } from "./signature.ts"

/** API page, `limit`: 1 to 1000 metrics per page, 1000 by default. */
const METRICS_PER_PAGE = 1_000
/** A marker is opaque and is sent back unchanged; a longer text does not count as a marker. */
const MAX_MARKER_CHARS = 2_048
/** API page: `dim.0` to `dim.2`. */
const MAX_DIMENSIONS = 3

const metaShape = onFirstUse(() =>
  z.looseObject({
    meta_data: z
      .looseObject({
        marker: z.string().min(1).max(MAX_MARKER_CHARS).refine(isVisible).nullable().catch(null),
      })
      .catch({ marker: null }),
  }),
)

/** GET /V1.0/{project_id}/metrics: series that reported in about the last 3 h. Requires ces:metrics:list. */
export async function listMetrics(
  reader: CloudReader,
  { endpoint, projectId }: { endpoint: string; projectId: string },
  query: CloudEyeListQuery,
): Promise<Read<CloudEyePage>> {
  const { namespace, metricName, dimensions = [], start } = query
  const parameters: [string, string | undefined][] = [
    ["limit", String(METRICS_PER_PAGE)],
    ["namespace", namespace],
    ["metric_name", metricName],
    ...dimensions
      .slice(0, MAX_DIMENSIONS)
      .map(({ name, value }, i): [string, string] => [`dim.${i}`, `${name},${value}`]),
    ["start", start],
  ]
  const definedParameters = parameters.filter((pair): pair is [string, string] => pair[1] !== undefined)
  const url = `${endpoint}/V1.0/${projectId}/metrics?${canonicalQuery(definedParameters)}`
  return reader.read({ operation: "listMetrics", method: "GET", url, projectId }, pageOf)
}

/** A full page is followed by another one, whatever `total` says: `total` is not documented to be exact. */
function pageOf(json: unknown): Parsed<CloudEyePage> {
  const list = listIn(json, "metrics")
  if (!list.ok) return list
  const marker = metaShape().safeParse(json).data?.meta_data.marker ?? null
  if (list.value.length >= METRICS_PER_PAGE && marker === null)
    return { ok: false, why: "the page is full but has no `marker` for the next page" }
  const known: CloudEyeMetric[] = []
  for (const item of list.value) {
    const { data } = metricShape().safeParse(item)
    // A skipped series would hide its card, and the server would be judged by its other cards alone.
    if (!data) return { ok: false, why: "the list has a series that cannot be read" }
    const dimensions = data.dimensions.map(({ name, value }) => ({ name, value }))
    known.push({ namespace: data.namespace, metric_name: data.metric_name, dimensions })
  }
  return {
    ok: true,
    value: { metrics: known, next: list.value.length < METRICS_PER_PAGE ? null : marker },
  }
}
