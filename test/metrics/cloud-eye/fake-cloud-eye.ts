import type {
  CloudEyeListQuery,
  CloudEyePage,
  CloudEyeQuery,
  CloudEyeSeries,
  CloudPlace,
} from "../../../lib/cloud-eye.ts"
import type { Datapoint } from "../../../lib/decision/inputs/signal.ts"
import type { MetricSources } from "../../../lib/metrics/sources.ts"
import type { Read } from "../../../lib/ports.ts"

type Metric = CloudEyeQuery["metrics"][number]

/**
 * A Cloud Eye that has one value for every aligned period, records its queries, and can be set to respond
 * otherwise. Both bounds of its windows are inclusive, which is the worst case that the documentation allows.
 */
export class FakeCloudEye implements MetricSources {
  readonly queries: CloudEyeQuery[] = []
  inFlight = 0
  mostInFlight = 0
  /** Value of a metric in the period that starts at `at`. */
  valueAt: (metric: Metric, at: number) => number = () => 97
  /** Changes a series before it is returned. */
  alter: (series: CloudEyeSeries) => CloudEyeSeries[] = (series) => [series]
  /** Reason to refuse a query, or an error to throw; `null` to answer it. */
  refuse: (query: CloudEyeQuery) => string | Error | null = () => null

  /** Series that it lists, in pages of `pageSize`; `lists` records the queries. */
  listed: Metric[] = []
  pageSize = 1_000
  readonly lists: CloudEyeListQuery[] = []
  refuseList: (query: CloudEyeListQuery) => string | Error | null = () => null

  /** Awaited before each response: a turn of the event loop, so that concurrent requests overlap. */
  takeTime = (): Promise<unknown> => new Promise(setImmediate)

  async cloudEye(_place: CloudPlace, query: CloudEyeQuery): Promise<Read<CloudEyeSeries[]>> {
    this.queries.push(query)
    this.inFlight += 1
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight)
    await this.takeTime()
    this.inFlight -= 1
    const refused = this.refuse(query)
    if (refused instanceof Error) throw refused
    if (refused !== null) return { ok: false, why: refused, credentials: false }
    return {
      ok: true,
      value: query.metrics.flatMap((metric) => this.alter(this.answer(metric, query))),
      skewMs: 0,
    }
  }

  async cloudEyeList(_place: CloudPlace, query: CloudEyeListQuery): Promise<Read<CloudEyePage>> {
    this.lists.push(query)
    await this.takeTime()
    const refused = this.refuseList(query)
    if (refused instanceof Error) throw refused
    if (refused !== null) return { ok: false, why: refused, credentials: false }
    const all = this.listed.filter(
      ({ namespace, metric_name, dimensions }) =>
        (query.namespace ?? namespace) === namespace &&
        (query.metricName ?? metric_name) === metric_name &&
        (query.dimensions ?? []).every((one) =>
          dimensions.some(({ name, value }) => name === one.name && value === one.value),
        ),
    )
    const begin = Number(query.start ?? 0)
    const end = begin + this.pageSize
    return {
      ok: true,
      value: { metrics: all.slice(begin, end), next: end < all.length ? String(end) : null },
      skewMs: 0,
    }
  }

  /** This fake has no Prometheus and no CloudWatch. */
  async cloudwatch(): Promise<Read<never>> {
    return { ok: false, why: "no such host", credentials: false }
  }

  async prometheus(): Promise<Read<never>> {
    return { ok: false, why: "no such host", credentials: false }
  }

  private answer(metric: Metric, query: CloudEyeQuery): CloudEyeSeries {
    const points: Datapoint[] = []
    for (let at = query.from; at <= query.to; at += Number(query.period) * 1_000) {
      points.push({ at, value: this.valueAt(metric, at) })
    }
    return {
      namespace: metric.namespace,
      metricName: metric.metric_name,
      dimensions: metric.dimensions,
      points,
    }
  }
}
