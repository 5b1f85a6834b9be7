import type { CloudWatchClient, MetricDataQuery, MetricDataResult } from "@aws-sdk/client-cloudwatch"
import type { Datapoint } from "../../decision/inputs/signal.ts"
import { deadlineIn } from "../../http/deadline.ts"
import type { ProxySettings } from "../../http/proxy.ts"
import { sdkHandler } from "../../http/sdk-handler.ts"
import type { Read } from "../../ports.ts"
import { messageOf, oneLine } from "../sentence.ts"
import type { CloudWatchMetric, CloudWatchQuery, CloudWatchSeries } from "../sources.ts"
import { MAX_DATAPOINTS } from "./queries.ts"

export interface CloudWatchOptions {
  /** Replaces the region's endpoint, for experiments and tests. */
  endpoint?: string
  /** Replace the SDK's default chain, which on Lambda gives the function's role. */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  /** HTTPS_PROXY and NO_PROXY. By default (or if `null`), every request goes directly. */
  proxy?: ProxySettings | null
  timeouts?: { tryMs: number; totalMs: number }
}

export interface CloudWatchReader {
  /** Sends one GetMetricData and reads all its pages. Never throws. */
  read(query: CloudWatchQuery): Promise<Read<CloudWatchSeries[]>>
  close(): void
}

const TIMEOUTS = { tryMs: 8_000, totalMs: 20_000 }
const CONNECT_MS = 2_000
/** Attempts of the SDK, with its own waits. They are allowed, since reads may be repeated. */
const MAX_ATTEMPTS = 3
/** 500 metrics with 1,440 points each fill eight pages of `MAX_DATAPOINTS`. */
const MAX_PAGES = 20

/** Imports the SDK at the first query, so that it slows down the start only for users of CloudWatch. */
export function cloudwatchReader(options: CloudWatchOptions = {}): CloudWatchReader {
  const { timeouts = TIMEOUTS } = options
  const clients = new Map<string, Promise<Connected>>()
  return {
    async read(query) {
      try {
        const known = clients.get(query.region)
        const connected = known ?? connect(query.region, options, timeouts.tryMs)
        clients.set(query.region, connected)
        return await allPages(await connected, query, deadlineIn(timeouts.totalMs))
      } catch (cause) {
        return failureOf(cause, query.region)
      }
    },
    close() {
      for (const connected of clients.values()) void connected.then(({ client }) => client.destroy())
    },
  }
}

interface Connected {
  sdk: typeof import("@aws-sdk/client-cloudwatch")
  client: CloudWatchClient
}

async function connect(region: string, options: CloudWatchOptions, tryMs: number): Promise<Connected> {
  const sdk = await import("@aws-sdk/client-cloudwatch")
  const { endpoint, credentials, proxy = null } = options
  const client = new sdk.CloudWatchClient({
    region,
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: sdkHandler({ proxy, connectMs: CONNECT_MS, requestMs: tryMs }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  })
  return { sdk, client }
}

/** Used instead of a StatusCode. */
const UNREADABLE = "unreadable times and values"

/** One metric's points over all pages; the status is "" if no page names the metric. */
interface Gathered {
  points: Datapoint[]
  status: string
  says: string
}

async function allPages(
  { sdk, client }: Connected,
  query: CloudWatchQuery,
  signal: AbortSignal,
): Promise<Read<CloudWatchSeries[]>> {
  const gathered = query.metrics.map((): Gathered => ({ points: [], status: "", says: "" }))
  const request = {
    MetricDataQueries: query.metrics.map(queryOf),
    StartTime: new Date(query.from),
    EndTime: new Date(query.to),
    ScanBy: "TimestampDescending" as const,
    MaxDatapoints: MAX_DATAPOINTS,
  }
  let token: string | undefined
  for (let pages = 1; pages <= MAX_PAGES; pages++) {
    const next = token === undefined ? {} : { NextToken: token }
    const answer = await client.send(new sdk.GetMetricDataCommand({ ...request, ...next }), {
      abortSignal: signal,
    })
    for (const result of answer.MetricDataResults ?? []) add(gathered, result, query)
    token = answer.NextToken
    if (!token) return { ok: true, value: gathered.map(seriesOf), skewMs: null }
  }
  return {
    ok: false,
    why: `its response has more than ${MAX_PAGES} pages`,
    credentials: false,
    refused: true,
  }
}

function queryOf(
  { namespace, name, dimensions, statistic, periodMs }: CloudWatchMetric,
  i: number,
): MetricDataQuery {
  const Dimensions = dimensions.map((dimension) => ({ Name: dimension.name, Value: dimension.value }))
  const Metric = { Namespace: namespace, MetricName: name, Dimensions }
  return { Id: `m${i}`, MetricStat: { Metric, Period: periodMs / 1_000, Stat: statistic } }
}

/** Adds one page's result of a metric. A metric may be on several pages; its last status counts. */
function add(gathered: readonly Gathered[], result: MetricDataResult, { from, to }: CloudWatchQuery): void {
  const own = gathered[Number(/^m(\d+)$/.exec(result.Id ?? "")?.[1] ?? -1)]
  if (!own) return
  const [times, values] = [result.Timestamps ?? [], result.Values ?? []]
  const points = times.map((time, i) => ({ at: time.getTime(), value: values[i] }))
  // If the lists differ in length, the time of each value is unknown. An instant outside the window has
  // another unit. In both cases absent points must not count as missing data, whatever a later page says.
  const isReadable =
    times.length === values.length &&
    points.every(({ at, value }) => typeof value === "number" && from <= at && at <= to)
  own.status = isReadable && own.status !== UNREADABLE ? (result.StatusCode ?? "") : UNREADABLE
  own.says = (result.Messages ?? []).map(({ Value }) => Value ?? "").join("; ") || own.says
  for (const { at, value } of points)
    if (value !== undefined && Number.isFinite(value)) own.points.push({ at, value })
}

/** Only a complete series is used: in an incomplete one, absent points need not be missing data. */
function seriesOf({ points, status, says }: Gathered): CloudWatchSeries {
  if (status === "Complete") return { points, problem: null, credentials: false }
  const what =
    status === "" ? "CloudWatch's response lacks the series" : `CloudWatch returned ${status} for the series`
  const problem = oneLine(`${what}${says === "" ? "" : `: ${says}`}`)
  return { points: [], problem, credentials: status === "Forbidden" }
}

/**
 * Error names of the SDK and the service for missing, wrong and expired keys. Some of them have status 400.
 */
const KEYS = /credential|token|signature|accessdenied|unrecognizedclient|authfailure|optin|notauthorized/i
const THROTTLED = /throttl|limitexceeded|toomanyrequests/i

function failureOf(cause: unknown, region: string): Extract<Read<never>, { ok: false }> {
  const name = cause instanceof Error ? cause.name : ""
  const status = statusOf(cause)
  const credentials = status === 401 || status === 403 || KEYS.test(name)
  // An answer that neither the SDK nor we can read must not count as missing data.
  const isAnswered = status !== null && status <= 299
  const isUnreadable = isAnswered || cause instanceof TypeError || cause instanceof SyntaxError
  const isRefused = (status === 400 || isUnreadable) && !credentials && !THROTTLED.test(name)
  const late = name === "AbortError" || name === "TimeoutError"
  const says = late ? "it took too long" : `${name === "" ? "" : `${name}: `}${messageOf(cause)}`
  const hint = credentials ? "; the role needs cloudwatch:GetMetricData" : ""
  return {
    ok: false,
    why: `${oneLine(`GetMetricData in ${region} ${says}`)}${hint}`,
    credentials,
    ...(isRefused ? { refused: true as const } : {}),
  }
}

function statusOf(cause: unknown): number | null {
  if (!(cause instanceof Error) || !("$metadata" in cause)) return null
  const metadata: unknown = cause.$metadata
  const status =
    typeof metadata === "object" && metadata !== null && "httpStatusCode" in metadata
      ? metadata.httpStatusCode
      : null
  return typeof status === "number" ? status : null
}
