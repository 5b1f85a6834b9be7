import type { Reading } from "../../lib/decision/inputs/reading.ts"
import { metricCollector } from "../../lib/metrics/collector.ts"
import type { MetricSources } from "../../lib/metrics/sources.ts"
import type { After, MetricQuery } from "../../lib/ports.ts"

/** Time stands still: supernodes wait for each other until all are ready. */
export const noTime: After = () => () => undefined

/** The readings of one supernode by itself: one per rule, in the policy's order. Never throws. */
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
