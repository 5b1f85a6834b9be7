import type { Datapoint } from "./decision/inputs/signal.ts"

// Requests to Cloud Eye and its responses: lib/metrics builds the requests, and lib/huawei sends them.

/** Project and region of a request to Cloud Eye. */
export interface CloudPlace {
  region: string
  projectId: string
}

/** One metric of one resource, with the API's field names. */
export interface CloudEyeMetric {
  namespace: string
  metric_name: string
  dimensions: { name: string; value: string }[]
}

/** Body of POST /V1.0/{project_id}/batch-query-metric-data, sent unchanged. Must fit Cloud Eye's limits. */
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

/** Element of the response's `metrics[]`, reduced to the requested statistic. Points are oldest first. */
export interface CloudEyeSeries {
  namespace: string
  metricName: string
  dimensions: { name: string; value: string }[]
  points: Datapoint[]
  /** Set if some points are unreadable. Then a missing period does not prove that the meter was silent. */
  unreadable?: true
}

/** Filters of GET /V1.0/{project_id}/metrics. An omitted field does not filter. */
export interface CloudEyeListQuery {
  namespace?: string
  metricName?: string
  /** Cloud Eye uses only the first three. */
  dimensions?: readonly { name: string; value: string }[]
  /** Marker from the previous page. */
  start?: string
}

/** One page of the series that Cloud Eye knows. */
export interface CloudEyePage {
  metrics: CloudEyeMetric[]
  /** Marker of the next page; `null` on the last page. */
  next: string | null
}
