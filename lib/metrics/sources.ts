import type { Policy } from "../decision/policy.ts"
import type { Datapoint } from "../decision/signal.ts"
import type { Read } from "../ports.ts"
import type { PrometheusSeries } from "./prometheus-answer.ts"
import type { PrometheusQuery } from "./prometheus-http.ts"

/** What readings need from the outside; each source only answers, it never judges. */
export interface MetricSources {
  cloudEye(policy: Policy, query: CloudEyeQuery): Promise<Read<CloudEyeSeries[]>>
  prometheus(query: PrometheusQuery): Promise<Read<PrometheusSeries[]>>
}

/** One metric of one resource, in the words of batch-query-metric-data. */
export interface CloudEyeMetric {
  namespace: string
  metric_name: string
  dimensions: { name: string; value: string }[]
}

/** Body of POST /V1.0/{project_id}/batch-query-metric-data. `from` and `to` are epoch milliseconds. */
export interface CloudEyeQuery {
  metrics: CloudEyeMetric[]
  from: number
  to: number
  /** Seconds, as text. */
  period: string
  /** average, max, min, sum or variance. */
  filter: string
}

/** One element of the answer's `metrics[]`, its datapoints reduced to the statistic that was asked for. */
export interface CloudEyeSeries {
  namespace: string
  metricName: string
  dimensions: { name: string; value: string }[]
  points: Datapoint[]
}
