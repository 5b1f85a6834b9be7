import type { Reading } from "../../lib/decision/inputs/reading.ts"
import type { BatchTime } from "../../lib/metrics/batching/batch.ts"
import { metricCollector } from "../../lib/metrics/collector.ts"
import type { MetricSources } from "../../lib/metrics/sources.ts"
import type { MetricQuery } from "../../lib/ports.ts"

/** Time that never passes, so that supernodes wait for each other until all are ready. */
export const noTime: BatchTime = { after: () => () => undefined, monotonic: () => 0 }

/** Reads the metrics of one supernode alone: one reading per rule, in the policy's order. Never throws. */
export function readMetrics(
  question: MetricQuery,
  sources: MetricSources,
  options: { awsRegion?: string } = {},
): Promise<Reading[]> {
  return metricCollector(sources, { ...noTime, ...options })
    .event()
    .join()
    .read(question)
}
