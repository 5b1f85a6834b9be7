import type {
  CloudEyeListQuery,
  CloudEyePage,
  CloudEyeQuery,
  CloudEyeSeries,
  CloudPlace,
} from "../cloud-eye.ts"
import type { Datapoint } from "../decision/inputs/signal.ts"
import type { Read } from "../ports.ts"
import type { PrometheusSeries } from "./prometheus/answer.ts"
import type { PrometheusQuery } from "./prometheus/http.ts"

/** The external sources of readings. A source only returns data and does not evaluate it. */
export interface MetricSources {
  cloudEye(place: CloudPlace, query: CloudEyeQuery): Promise<Read<CloudEyeSeries[]>>
  /** One page of the series that Cloud Eye knows. `next`: marker of the next page, `null` on the last one. */
  cloudEyeList(place: CloudPlace, query: CloudEyeListQuery): Promise<Read<CloudEyePage>>
  prometheus(query: PrometheusQuery): Promise<Read<PrometheusSeries[]>>
  cloudwatch(query: CloudWatchQuery): Promise<Read<CloudWatchSeries[]>>
}

/** One metric with one statistic, in CloudWatch's own terms. */
export interface CloudWatchMetric {
  namespace: string
  name: string
  dimensions: { name: string; value: string }[]
  /** Average, Maximum, Minimum, Sum or a percentile such as p99. */
  statistic: string
  periodMs: number
}

/**
 * One GetMetricData request. `from` (inclusive) and `to` (exclusive) are epoch milliseconds; `from` is
 * aligned to the period of every metric.
 */
export interface CloudWatchQuery {
  region: string
  from: number
  to: number
  metrics: CloudWatchMetric[]
}

/**
 * Result for one metric, in the order of the query. `problem`: why it is incomplete or absent, else `null`.
 */
export interface CloudWatchSeries {
  points: Datapoint[]
  problem: string | null
  /** True for StatusCode Forbidden. */
  credentials: boolean
}
