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

/** What readings need from the outside; each source only answers, it never judges. */
export interface MetricSources {
  cloudEye(place: CloudPlace, query: CloudEyeQuery): Promise<Read<CloudEyeSeries[]>>
  /** One page of the series that Cloud Eye knows; `next` is the marker of the page after it, null on the last. */
  cloudEyeList(place: CloudPlace, query: CloudEyeListQuery): Promise<Read<CloudEyePage>>
  prometheus(query: PrometheusQuery): Promise<Read<PrometheusSeries[]>>
  cloudwatch(query: CloudWatchQuery): Promise<Read<CloudWatchSeries[]>>
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
