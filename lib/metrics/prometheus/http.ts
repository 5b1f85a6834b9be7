import { readFile } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { type Dispatcher, request as send } from "undici"
import { isSecureAddress } from "../../decision/policy/secure-address.ts"
import { ACCEPT_ENCODING, decodedBody } from "../../http/content.ts"
import { deadlineIn } from "../../http/deadline.ts"
import { type Dispatchers, dispatchersOf } from "../../http/dispatchers.ts"
import { type ProxySettings, proxyFor, proxySecrets, sayProxy } from "../../http/proxy.ts"
import type { Read } from "../../ports.ts"
import { messageOf, oneLine, withoutSecrets } from "../sentence.ts"
import { matrixOf, type PrometheusSeries } from "./answer.ts"
import { isPem, loginFor, type PrometheusAuth, type PrometheusLogin, withoutSlash } from "./auth.ts"

/** One range query. `start` and `end` are instants of evaluation, both inclusive; all times in milliseconds. */
export interface PrometheusQuery {
  /** The policy's `url`: the part before /api/v1/query_range. */
  url: string
  query: string
  start: number
  end: number
  periodMs: number
}

export interface PrometheusOptions {
  /** Logins from SUPERNODE_PROMETHEUS_AUTH. Called for each query. */
  auth(): Promise<PrometheusAuth>
  /** Certificates to trust if the login has no `ca`; PEM. */
  tls?: { ca: string }
  /** HTTPS_PROXY and NO_PROXY. By default (or if `null`), every query goes directly. */
  proxy?: ProxySettings | null
  timeouts?: { tryMs: number; totalMs: number }
  /** Waits between tries. Defaults to the system's timer. */
  wait?: (ms: number) => Promise<unknown>
}

export interface PrometheusClient {
  /** Never throws. */
  queryRange(query: PrometheusQuery): Promise<Read<PrometheusSeries[]>>
  close(): Promise<void>
}

const TIMEOUTS = { tryMs: 10_000, totalMs: 20_000 }
const MAX_TRIES = 3
const BACKOFF_MS = 200
const MAX_ANSWER_BYTES = 4 * 1024 * 1024
/** Longer queries are sent as a form, since some proxies refuse long URLs. */
const MAX_URL_BYTES = 2_000
const RETRIED_STATUSES: readonly number[] = [502, 503, 504]

type Failed = Extract<Read<never>, { ok: false }>
type Try =
  | { kind: "answer"; status: number; text: string; problem: string | null }
  | { kind: "nothing"; says: string; retriable: boolean }

/**
 * Client for Prometheus and compatible servers: Thanos, VictoriaMetrics, Mimir, Huawei AOM. It only reads, so
 * it repeats a query whose answer was lost.
 */
export function prometheusClient(options: PrometheusOptions): PrometheusClient {
  const { auth, tls, proxy = null, timeouts = TIMEOUTS, wait = sleep } = options
  const byCertificates = new Map<string, Dispatchers>()
  const dispatchersFor = (ca: string | undefined): Dispatchers => {
    const known = byCertificates.get(ca ?? "")
    if (known) return known
    const dispatchers = dispatchersOf({
      proxy,
      ca,
      connectMs: timeouts.tryMs,
      maxResponseSize: MAX_ANSWER_BYTES,
    })
    byCertificates.set(ca ?? "", dispatchers)
    return dispatchers
  }

  async function ask(query: PrometheusQuery): Promise<Read<PrometheusSeries[]>> {
    const url = queryRangeUrl(query.url)
    const login = loginFor(await auth(), url)
    if (login?.authorization && !isSecureAddress(url.href))
      return failed(url, "is not https: no secret is sent there")
    const ca = login?.ca ? await certificates(login.ca) : tls?.ca
    const dispatcher = dispatchersFor(ca).for(url)
    const via = proxyFor(url, proxy)
    const secrets = [...(login?.secrets ?? []), ...(via ? proxySecrets(via) : [])]
    const total = deadlineIn(timeouts.totalMs)
    for (let tries = 1; ; tries++) {
      const signal = AbortSignal.any([total, deadlineIn(timeouts.tryMs)])
      const last = await tryOnce({ url, query, login, dispatcher, signal })
      const again = last.kind === "nothing" ? last.retriable : RETRIED_STATUSES.includes(last.status)
      if (!again || tries >= MAX_TRIES || total.aborted)
        return readOf({ url, login, last, secrets, via: sayProxy(url, proxy) })
      await wait(Math.random() * BACKOFF_MS * 2 ** tries)
    }
  }

  return {
    async queryRange(query) {
      try {
        return await ask(query)
      } catch (cause) {
        return failed(queryRangeUrl(query.url), messageOf(cause))
      }
    },
    async close() {
      await Promise.all([...byCertificates.values()].map((dispatchers) => dispatchers.close()))
    },
  }
}

/** URL of `query_range` for a base URL, which may already end in /api/v1 or /api/v1/query_range. */
export function queryRangeUrl(base: string): URL {
  const url = new URL(base)
  const path = withoutSlash(url.pathname).replace(/\/api\/v1(\/query_range)?$/, "")
  url.pathname = `${path}/api/v1/query_range`
  return url
}

async function certificates(ca: string): Promise<string> {
  if (isPem(ca)) return ca
  const text = await readFile(ca, "utf8").catch((cause: unknown) => {
    throw new Error(`its ca in SUPERNODE_PROMETHEUS_AUTH cannot be read: ${messageOf(cause)}`)
  })
  if (!isPem(text)) throw new Error(`its ca in SUPERNODE_PROMETHEUS_AUTH, ${ca}, is not a PEM certificate`)
  return text
}

interface Asking {
  url: URL
  query: PrometheusQuery
  login: PrometheusLogin | null
  dispatcher: Dispatcher
  signal: AbortSignal
}

async function tryOnce({ url, query, login, dispatcher, signal }: Asking): Promise<Try> {
  const form = new URLSearchParams({
    query: query.query,
    start: String(query.start / 1_000),
    end: String(query.end / 1_000),
    step: String(query.periodMs / 1_000),
  }).toString()
  const isLong = form.length + url.href.length > MAX_URL_BYTES
  const headers = {
    accept: "application/json",
    ...ACCEPT_ENCODING,
    "user-agent": "supernode-autoscaler",
    ...(login?.authorization ? { authorization: login.authorization } : {}),
    ...(isLong ? { "content-type": "application/x-www-form-urlencoded" } : {}),
  }
  try {
    const answer = isLong
      ? await send(url, { dispatcher, method: "POST", headers, body: form, signal })
      : await send(`${url.href}?${form}`, { dispatcher, method: "GET", headers, signal })
    const wire = Buffer.from(await answer.body.arrayBuffer())
    const content = decodedBody(wire, answer.headers["content-encoding"], MAX_ANSWER_BYTES)
    const read = content.ok
      ? { text: new TextDecoder().decode(content.body), problem: null }
      : { text: "", problem: content.why }
    return { kind: "answer", status: answer.statusCode, ...read }
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "UND_ERR_RES_EXCEEDED_MAX_SIZE")
      return {
        kind: "nothing",
        says: "its response is larger than 4 MB: aggregate in the query",
        retriable: false,
      }
    return { kind: "nothing", says: signal.aborted ? "it took too long" : messageOf(cause), retriable: true }
  }
}

interface ReportedError {
  url: URL
  login: PrometheusLogin | null
  last: Try
  secrets: readonly string[]
  /** Text that names the proxy; empty if there is none. */
  via: string
}

function readOf({ url, login, last, secrets, via }: ReportedError): Read<PrometheusSeries[]> {
  const clean = (text: string) => withoutSecrets(text, secrets)
  if (last.kind === "nothing") return failed(url, clean(`got no response: ${last.says}${via}`))
  if (last.problem !== null)
    return { ...failed(url, `answered ${last.status} with ${last.problem}`), refused: true }
  const matrix = matrixOf(last.status, last.text)
  if (matrix.ok) return { ok: true, value: matrix.series, skewMs: null }
  const hint = matrix.credentials ? `; ${sayLogin(login)}` : ""
  const more = { credentials: matrix.credentials, ...(matrix.refused ? { refused: true as const } : {}) }
  return { ...failed(url, `${clean(matrix.why)}${hint}`), ...more }
}

function sayLogin(login: PrometheusLogin | null): string {
  return login?.authorization
    ? `it rejected the credentials that SUPERNODE_PROMETHEUS_AUTH has for ${login.prefix}`
    : "SUPERNODE_PROMETHEUS_AUTH has no bearer, or user and password, for this url"
}

function failed(url: URL, why: string): Failed {
  return { ok: false, why: oneLine(`${url.host} ${why}`), credentials: false }
}
