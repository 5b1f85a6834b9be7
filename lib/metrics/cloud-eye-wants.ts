import type { Rule } from "../decision/policy.ts"
import { newestPeriods } from "../decision/reading.ts"
import { presentServers } from "../decision/supernode.ts"
import type { MetricQuestion } from "../ports.ts"
import { fillDimensions, namesServers, type Resource } from "./dimensions.ts"
import type { SeriesProblem } from "./problems.ts"
import type { CloudEyeMetric } from "./sources.ts"

export type CloudEyeSource = NonNullable<Rule["metric"]["cloud-eye"]>

/** What one rule needs of Cloud Eye: these series at these period starts. */
export interface CloudEyeWant {
  periodMs: number
  filter: string
  /** Newest first. */
  starts: number[]
  series: { server: string | null; metric: CloudEyeMetric }[]
  /** What cannot even be asked for. */
  problems: SeriesProblem[]
}

/** Far above anything Cloud Eye can mean by one metric; a larger one would make a request that it never takes. */
const MAX_METRIC_BYTES = 16_384

/** One series per present server where the dimensions name servers, else one for the supernode. */
export function wantOf(
  rule: Rule,
  source: CloudEyeSource,
  { supernode, now }: Pick<MetricQuestion, "supernode" | "now">,
): CloudEyeWant {
  const starts = newestPeriods({ now, periodMs: source.period, lagMs: rule.metric.lag, count: rule.points.n })
  const want: CloudEyeWant = {
    periodMs: source.period,
    filter: source.statistic,
    starts,
    series: [],
    problems: [],
  }
  for (const server of namesServers(source.dimensions) ? presentServers(supernode) : [null]) {
    const named = metricOf(source, { supernode: supernode.id, server })
    const id = server?.id ?? null
    if ("refused" in named) want.problems.push({ server: id, says: named.refused })
    else want.series.push({ server: id, metric: named.metric })
  }
  if (want.series.length + want.problems.length === 0)
    want.problems.push({ server: null, says: "the supernode has no servers to measure" })
  return want
}

function metricOf(
  source: CloudEyeSource,
  resource: Resource,
): { metric: CloudEyeMetric } | { refused: string } {
  const wildcard = Object.keys(source.dimensions).find((name) => source.dimensions[name] === "*")
  if (wildcard !== undefined)
    return { refused: `the wildcard "*" of dimension ${wildcard} is not read by this version` }
  const dimensions = fillDimensions(source.dimensions, resource)
  if ("lacks" in dimensions)
    return { refused: `the cloud names no ${dimensions.lacks}, so Cloud Eye cannot be asked` }
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
