import type { CloudEyeMetric, CloudPlace } from "../../cloud-eye.ts"
import { newestPeriods } from "../../decision/inputs/reading.ts"
import { presentServers, type Server } from "../../decision/inputs/supernode.ts"
import type { Rule } from "../../decision/policy/policy.ts"
import type { MetricQuery, Read } from "../../ports.ts"
import type { SeriesProblem } from "../problems.ts"
import { fillDimensions, metricKey, namesServers, type Resource, WILDCARD } from "./dimensions.ts"
import type { Discovery, Listed } from "./discovery.ts"

export type CloudEyeSource = NonNullable<Rule["metric"]["cloud-eye"]>

/** Data that one rule needs from Cloud Eye: these metrics at these period starts. */
export interface CloudEyeWant {
  place: CloudPlace
  periodMs: number
  filter: string
  /** Combines the values of one owner's metrics into one value. */
  aggregate: Rule["metric"]["aggregate"]
  /** Starts of the periods, newest first. */
  starts: number[]
  /**
   * One metric per server, or one for the supernode (`server` is null); several if a dimension is a wildcard.
   */
  owners: { server: string | null; metrics: CloudEyeMetric[] }[]
  /** Problems with series that cannot be requested. */
  problems: SeriesProblem[]
  /** Why the list of metrics was refused: the credentials or the request itself. Both false if it was not. */
  refusal: { credentials: boolean; refused: boolean }
}

/** Far above any metric of Cloud Eye. A larger one would make a request that Cloud Eye never accepts. */
const MAX_METRIC_BYTES = 16_384
/** 48 servers with 64 devices each. More series should be aggregated before they get here. */
const MAX_METRICS = 3_072

/**
 * One metric per present server if the dimensions name servers; otherwise one for the supernode. A metric
 * with "*" is replaced by all metrics that match.
 */
export async function wantOf(
  rule: Rule,
  source: CloudEyeSource,
  { query, discovery }: { query: MetricQuery; discovery: Discovery },
): Promise<CloudEyeWant> {
  const { supernode, now, policy } = query
  const want: CloudEyeWant = {
    place: { region: policy.region, projectId: policy.projectId },
    periodMs: source.period,
    filter: source.statistic,
    aggregate: rule.metric.aggregate,
    starts: newestPeriods({ now, periodMs: source.period, lagMs: rule.metric.lag, count: rule.points.n }),
    owners: [],
    problems: [],
    refusal: { credentials: false, refused: false },
  }
  const servers: (Server | null)[] = namesServers(source.dimensions) ? presentServers(supernode) : [null]
  for (const server of servers) {
    const named = metricOf(source, { supernode: supernode.id, server })
    const id = server?.id ?? null
    if ("refused" in named) want.problems.push({ server: id, says: named.refused })
    else want.owners.push({ server: id, metrics: [named.metric] })
  }
  if (servers.length === 0)
    want.problems.push({ server: null, says: "the supernode has no servers to measure" })
  const wild = Object.keys(source.dimensions).filter((name) => source.dimensions[name] === WILDCARD)
  if (wild.length === 0 || want.owners.length === 0) return want
  return expanded(
    want,
    wild,
    await discovery.find({ place: want.place, query: listedFor(source), wild, now }),
  )
}

function metricOf(
  source: CloudEyeSource,
  resource: Resource,
): { metric: CloudEyeMetric } | { refused: string } {
  const dimensions = fillDimensions(source.dimensions, resource)
  if ("lacks" in dimensions)
    return { refused: `the cloud returned no ${dimensions.lacks}, so Cloud Eye cannot be queried` }
  const metric: CloudEyeMetric = {
    namespace: source.namespace,
    metric_name: source.name,
    dimensions: dimensions.filled,
  }
  const bytes = Buffer.byteLength(JSON.stringify(metric))
  if (bytes > MAX_METRIC_BYTES)
    return { refused: `the metric's name and dimensions take ${bytes} bytes, too many for a request` }
  return { metric }
}

function listedFor({ namespace, name, dimensions }: CloudEyeSource): Listed {
  const literal = Object.entries(dimensions)
    .filter(([, value]) => value !== WILDCARD && !/[{}]/.test(value))
    .map(([name, value]) => ({ name, value }))
  return { namespace, metricName: name, dimensions: literal }
}

/** Replaces each owner's metric by all listed metrics that differ from it only in the "*" dimensions. */
function expanded(
  want: CloudEyeWant,
  wild: readonly string[],
  found: Read<ReadonlyMap<string, CloudEyeMetric[]>>,
): CloudEyeWant {
  const none = (says: string, refusal: CloudEyeWant["refusal"]): CloudEyeWant => ({
    ...want,
    owners: [],
    problems: [...want.problems, { server: null, says }],
    refusal,
  })
  if (!found.ok) {
    const refusal = { credentials: found.credentials, refused: found.refused === true }
    return none(`Cloud Eye could not be queried for the series of "${WILDCARD}": ${found.why}`, refusal)
  }
  const owners = want.owners.map(({ server, metrics }) => ({
    server,
    metrics: metrics.flatMap((metric) => found.value.get(metricKey(metric, wild)) ?? []),
  }))
  const count = owners.reduce((sum, { metrics }) => sum + metrics.length, 0)
  if (count > MAX_METRICS) {
    const says = `"${WILDCARD}" matches ${count} series, the maximum is ${MAX_METRICS}: name more dimensions`
    return none(says, { credentials: false, refused: true })
  }
  const unknown = owners
    .filter(({ metrics }) => metrics.length === 0)
    .map(({ server }) => ({ server, says: `no known series matches "${WILDCARD}"` }))
  const known = owners.filter(({ metrics }) => metrics.length > 0)
  return { ...want, owners: known, problems: [...want.problems, ...unknown] }
}
