import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics"
import { METRICS, type MetricName } from "../lib/app/run-metrics.ts"
import type { EmitMetrics } from "./door.ts"

const NAMESPACE = "supernode-autoscaler"
/** Maximum number of observations of one metric in a line; CloudWatch accepts no more. */
const MAX_VALUES = 100

const UNITS = { count: MetricUnit.Count, seconds: MetricUnit.Seconds, none: MetricUnit.NoUnit } as const

/**
 * AWS Lambda: writes one line in CloudWatch's embedded metric format per run. The only dimension is the
 * supernode. The other labels are properties of the line, since each further dimension would be billed as
 * more metrics.
 */
export function emfEmitter(): EmitMetrics {
  const namespace = process.env["POWERTOOLS_METRICS_NAMESPACE"] || NAMESPACE
  const metrics = new Metrics({ namespace })
  return (runs) => {
    for (const { supernode, at, values, about } of runs) {
      // Powertools adds a `service` dimension, and adds it again after each publish.
      metrics.clearDefaultDimensions()
      metrics.addDimension("supernode", supernode)
      metrics.setTimestamp(at)
      for (const [key, value] of Object.entries(about)) metrics.addMetadata(key, value as string)
      for (const [name, all] of Object.entries(values) as [MetricName, number[]][])
        for (const value of all.slice(0, MAX_VALUES))
          metrics.addMetric(name, UNITS[METRICS[name].unit], value)
      metrics.publishStoredMetrics()
    }
  }
}
