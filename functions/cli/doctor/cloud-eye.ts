import type { CloudEye } from "../../../lib/app/app.ts"
import type { CloudEyeMetric } from "../../../lib/cloud-eye.ts"
import type { Server } from "../../../lib/decision/inputs/supernode.ts"
import type { Policy, Rule } from "../../../lib/decision/policy/policy.ts"
import { whenInUtc } from "../print/time.ts"

// Facts that an operator needs to write the right rule: the metrics that exist, and the age of their newest
// point. The names of Lite Server's metrics are not documented, so Cloud Eye itself is queried.

type Source = NonNullable<Rule["metric"]["cloud-eye"]>
export interface Sought {
  policy: Policy
  source: Source | undefined
  servers: readonly Server[]
  cloudEye: CloudEye
  now: number
}

const HOUR_MS = 3_600_000
/** Maximum number of kinds of metrics in one list. */
const NAMED = 30

/**
 * Lists the metrics that Cloud Eye has for the supernode's first server. If it has none, lists those in the
 * rule's namespace.
 */
export async function knownMetrics(sought: Sought): Promise<string[]> {
  const { policy, source, servers, cloudEye } = sought
  const [server] = servers
  if (!source || !server) return []
  for (const { field, id } of idsOf(server)) {
    const listed = await cloudEye.list(policy, { dimensions: [{ name: "instance_id", value: id }] })
    if (!listed.ok) return [`Cloud Eye's metrics of the servers could not be read: ${listed.why}`]
    if (listed.value.metrics.length > 0) {
      const { metrics, next } = listed.value
      const head = `Cloud Eye has metrics of ${server.id} with instance_id = {server.${field}}${next === null ? "" : ", among others"}:`
      return [head, ...kindsOf(metrics), ...(await newestOf(sought, metrics))]
    }
  }
  const listed = await cloudEye.list(policy, { namespace: source.namespace })
  if (!listed.ok || listed.value.metrics.length === 0) {
    return [
      `Cloud Eye has no metrics of server ${server.id}, and none in ${source.namespace}: is its agent installed and running?`,
    ]
  }
  return [
    `Cloud Eye has no metrics with any id of server ${server.id}; in ${source.namespace} it has:`,
    ...kindsOf(listed.value.metrics),
  ]
}

/** All ids that Cloud Eye may use as `instance_id`, the documented one first. */
function idsOf({ id, cloudServer }: Server): { field: string; id: string }[] {
  const all = [
    { field: "cloud_server.hps_ecs_id", id: cloudServer.hpsEcsId },
    { field: "cloud_server.id", id: cloudServer.id },
    { field: "id", id },
  ]
  return all.flatMap((one) => (one.id ? [{ field: one.field, id: one.id }] : []))
}

/** Lines such as `  AGT.ECS npu_util_rate_ai_core, dimensions instance_id and npu (16 series)`. */
function kindsOf(metrics: readonly CloudEyeMetric[]): string[] {
  const counts = new Map<string, number>()
  for (const { namespace, metric_name, dimensions } of metrics) {
    const names = dimensions.map(({ name }) => name).join(" and ")
    const kind = `${namespace} ${metric_name}, dimensions ${names}`
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  const sorted = [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
  const lines = sorted.map(([kind, count]) => `  ${kind}${count > 1 ? ` (${count} series)` : ""}`)
  const more = lines.length - NAMED
  return more > 0 ? [...lines.slice(0, NAMED), `  … and ${more} more kinds`] : lines
}

/**
 * Newest raw point of the rule's own metric, if that metric is listed. It shows whether the data exists but is too
 * old for the rule.
 */
async function newestOf(
  { policy, source, cloudEye, now }: Sought,
  metrics: readonly CloudEyeMetric[],
): Promise<string[]> {
  const own = metrics.find(
    (metric) => metric.namespace === source?.namespace && metric.metric_name === source.name,
  )
  if (!own) return []
  // Period 1 means raw data, of which one series may span four hours.
  const window = { from: now - 4 * HOUR_MS, to: now, period: "1", filter: "average" }
  const read = await cloudEye.query(policy, { metrics: [own], ...window })
  const points = read.ok ? read.value.flatMap((series) => series.points) : []
  const newest = points.reduce<(typeof points)[number] | null>(
    (best, point) => (best === null || point.at > best.at ? point : best),
    null,
  )
  const which = own.dimensions.map(({ name, value }) => `${name} ${value}`).join(", ")
  return newest === null
    ? [`its newest point (${which}) is older than four hours, or missing`]
    : [`its newest point (${which}) is ${newest.value}, from ${whenInUtc(newest.at, now)}`]
}
