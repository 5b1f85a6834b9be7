import type { Reading } from "../../lib/decision/inputs/reading.ts"
import { metricCollector } from "../../lib/metrics/collector.ts"
import type { MetricSources } from "../../lib/metrics/sources.ts"
import type { After, MetricQuery } from "../../lib/ports.ts"

/** Timer that never fires, so that supernodes wait for each other until all are ready. */
export const noTime: After = () => () => undefined

/** Reads the metrics of one supernode alone: one reading per rule, in the policy's order. Never throws. */
export function readMetrics(
  question: MetricQuery,
  sources: MetricSources,
  options: { awsRegion?: string } = {},
): Promise<Reading[]> {
  return metricCollector(sources, { after: noTime, ...options })
    .event()
    .join()
    .read(question)
}
