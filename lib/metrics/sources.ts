import type { Datapoint } from "../decision/inputs/signal.ts"
import type { Read } from "../ports.ts"
import type { PrometheusSeries } from "./prometheus/answer.ts"
import type { PrometheusQuery } from "./prometheus/http.ts"

/** What readings need from the outside; each source only answers, it never judges. */
export interface MetricSources {
  cloudEye(place: CloudPlace, query: CloudEyeQuery): Promise<Read<CloudEyeSeries[]>>
  /** One page of the series that Cloud Eye knows; `next` is the marker of the page after it, null on the last. */
  cloudEyeList(place: CloudPlace, query: CloudEyeListQuery): Promise<Read<CloudEyePage>>
  prometheus(query: PrometheusQuery): Promise<Read<PrometheusSeries[]>>
  cloudwatch(query: CloudWatchQuery): Promise<Read<CloudWatchSeries[]>>
}

/** Where a supernode's Cloud Eye is. */
export interface CloudPlace {
  region: string
  projectId: string
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
  /** Some points could not be read: what is missing is then no silence of the meter. */
  unreadable?: true
}

/** Which series to list; what is left out is not filtered by. */
export interface CloudEyeListQuery {
  namespace?: string
  metricName?: string
  dimensions?: readonly { name: string; value: string }[]
  start?: string
}

export interface CloudEyePage {
  metrics: CloudEyeMetric[]
  next: string | null
}

/** One metric by one statistic, in CloudWatch's own words. */
export interface CloudWatchMetric {
  namespace: string
  name: string
  dimensions: { name: string; value: string }[]
  /** Average, Maximum, Minimum, Sum or a percentile such as p99. */
  statistic: string
  periodMs: number
}

/** One GetMetricData. `from` is inclusive, `to` exclusive, epoch milliseconds, aligned to every metric's period. */
export interface CloudWatchQuery {
  region: string
  from: number
  to: number
  metrics: CloudWatchMetric[]
}

/** What came for one metric, in the order asked. `problem`: it may be incomplete or was not given, and why. */
export interface CloudWatchSeries {
  points: Datapoint[]
  problem: string | null
  /** StatusCode Forbidden. */
  credentials: boolean
}
