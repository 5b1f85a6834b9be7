import type { Reading } from "../decision/inputs/reading.ts"
import type { MetricQuestion } from "../ports.ts"
import { type CollectorOptions, metricCollector } from "./collector.ts"
import type { MetricSources } from "./sources.ts"

/** The readings of one supernode by itself: one per rule, in the policy's order. Never throws. */
export function readMetrics(
  question: MetricQuestion,
  sources: MetricSources,
  options: CollectorOptions = {},
): Promise<Reading[]> {
  return metricCollector(sources, options).event().seat().read(question)
}
