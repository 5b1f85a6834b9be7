import type { Datapoint } from "./decision/inputs/signal.ts"

// Questions to Cloud Eye and its answers: lib/metrics asks, lib/huawei answers.

/** The project and region whose Cloud Eye is asked. */
export interface CloudPlace {
  region: string
  projectId: string
}

/** One metric of one resource, with the names of the API. */
export interface CloudEyeMetric {
  namespace: string
  metric_name: string
  dimensions: { name: string; value: string }[]
}

/** Body of POST /V1.0/{project_id}/batch-query-metric-data, sent unchanged: the caller splits it by Cloud Eye's limits. */
export interface CloudEyeQuery {
  metrics: CloudEyeMetric[]
  /** Epoch milliseconds. */
  from: number
  to: number
  /** Seconds as text, such as "300". */
  period: string
  /** average, max, min, sum or variance. */
  filter: string
}

/** One element of the answer's `metrics[]`, its datapoints reduced to the statistic asked for, oldest first. */
export interface CloudEyeSeries {
  namespace: string
  metricName: string
  dimensions: { name: string; value: string }[]
  points: Datapoint[]
  /** Some points are unreadable: a missing period then does not mean that the meter was silent. */
  unreadable?: true
}

/** Filters of GET /V1.0/{project_id}/metrics; what is left out does not filter. */
export interface CloudEyeListQuery {
  namespace?: string
  metricName?: string
  /** Only the first three count. */
  dimensions?: readonly { name: string; value: string }[]
  /** The marker of the page before. */
  start?: string
}

/** One page of the series that Cloud Eye knows. */
export interface CloudEyePage {
  metrics: CloudEyeMetric[]
  /** Marker of the next page; null on the last. */
  next: string | null
}
