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
  /** Instead of the region's own; for trying and testing. */
  endpoint?: string
  /** Instead of the SDK's default chain, which on Lambda is the function's role. */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  /** HTTPS_PROXY and NO_PROXY; null or left out: every request goes directly. */
  proxy?: ProxySettings | null
  timeouts?: { tryMs: number; totalMs: number }
}

export interface CloudWatchReader {
  /** One GetMetricData, all its pages. Never throws. */
  read(query: CloudWatchQuery): Promise<Read<CloudWatchSeries[]>>
  close(): void
}

const TIMEOUTS = { tryMs: 8_000, totalMs: 20_000 }
const CONNECT_MS = 2_000
/** The SDK's own, with its waits: reads may be repeated. */
const MAX_ATTEMPTS = 3
/** 500 metrics of 1,440 points are eight pages of that many. */
const MAX_PAGES = 20

/** The SDK is imported with the first question, so that only those who ask CloudWatch pay for it at cold start. */
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

/** Takes the place of a StatusCode. */
const UNREADABLE = "times and values that cannot be read"

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
  return { ok: false, why: `its answer has more than ${MAX_PAGES} pages`, credentials: false, refused: true }
}

function queryOf(
  { namespace, name, dimensions, statistic, periodMs }: CloudWatchMetric,
  i: number,
): MetricDataQuery {
  const Dimensions = dimensions.map((dimension) => ({ Name: dimension.name, Value: dimension.value }))
  const Metric = { Namespace: namespace, MetricName: name, Dimensions }
  return { Id: `m${i}`, MetricStat: { Metric, Period: periodMs / 1_000, Stat: statistic } }
}

/** The same metric may be on several pages; its last status is its result. */
function add(gathered: readonly Gathered[], result: MetricDataResult, { from, to }: CloudWatchQuery): void {
  const own = gathered[Number(/^m(\d+)$/.exec(result.Id ?? "")?.[1] ?? -1)]
  if (!own) return
  const [times, values] = [result.Timestamps ?? [], result.Values ?? []]
  const points = times.map((time, i) => ({ at: time.getTime(), value: values[i] }))
  // Lists that do not pair up say of no value when it was measured, and an instant outside of the window is in other
  // units. What is missing then is no silence of the meter, whatever a later page says.
  const isReadable =
    times.length === values.length &&
    points.every(({ at, value }) => typeof value === "number" && from <= at && at <= to)
  own.status = isReadable && own.status !== UNREADABLE ? (result.StatusCode ?? "") : UNREADABLE
  own.says = (result.Messages ?? []).map(({ Value }) => Value ?? "").join("; ") || own.says
  for (const { at, value } of points)
    if (value !== undefined && Number.isFinite(value)) own.points.push({ at, value })
}

/** Only what is complete is believed: the rest of a part is not known to be quiet. */
function seriesOf({ points, status, says }: Gathered): CloudWatchSeries {
  if (status === "Complete") return { points, problem: null, credentials: false }
  const what =
    status === "" ? "CloudWatch's answer left out the series" : `CloudWatch said ${status} of the series`
  const problem = oneLine(`${what}${says === "" ? "" : `: ${says}`}`)
  return { points: [], problem, credentials: status === "Forbidden" }
}

/** Names that the SDK and the service give to missing, wrong and expired keys; some of them come with status 400. */
const KEYS = /credential|token|signature|accessdenied|unrecognizedclient|authfailure|optin|notauthorized/i
const THROTTLED = /throttl|limitexceeded|toomanyrequests/i

function failureOf(cause: unknown, region: string): Extract<Read<never>, { ok: false }> {
  const name = cause instanceof Error ? cause.name : ""
  const status = statusOf(cause)
  const credentials = status === 401 || status === 403 || KEYS.test(name)
  // An answer that came and that neither the SDK nor we can read is no silence of the meter.
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
