import { request as send } from "undici"
import { deadlineIn } from "./deadline.ts"
import { type Dispatchers, dispatchersOf } from "./dispatchers.ts"
import { type ProxySettings, proxySecrets, sayProxy } from "./proxy.ts"

export interface SdkHandlerOptions {
  proxy: ProxySettings | null
  connectMs: number
  /** Time limit of one try, from connecting to the last byte of the response, milliseconds. */
  requestMs: number
  /** Certificates to trust instead of the system's; PEM. */
  ca?: string
}

/** Request that Amazon's clients pass to their `requestHandler`. */
interface SdkRequest {
  method: string
  protocol: string
  hostname: string
  port?: number
  path: string
  query?: Record<string, string | string[] | null>
  headers: Record<string, string>
  body?: unknown
}

interface TryOptions {
  abortSignal?: AbortSignal
  requestTimeout?: number
}

/** A DynamoDB page has at most 1 MB; 100,800 CloudWatch datapoints have about 10 MB. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

/**
 * The `requestHandler` of Amazon's clients. Without a proxy, returns options for the SDK's own handler, which
 * does not support proxies. With a proxy, requests use the same kind of connections as all our others.
 * Clients that fetch keys (STS, SSO) inherit the handler.
 */
export function sdkHandler(options: SdkHandlerOptions) {
  const { proxy, connectMs, requestMs, ca } = options
  // Without `throwOnRequestTimeout` the SDK only warns about a late response, and keeps waiting.
  if (proxy === null)
    return { connectionTimeout: connectMs, requestTimeout: requestMs, throwOnRequestTimeout: true }
  const dispatchers = dispatchersOf({ proxy, ca, connectMs, maxResponseSize: MAX_ANSWER_BYTES })
  return {
    metadata: { handlerProtocol: "http/1.1" },
    handle: (request: SdkRequest, how: TryOptions = {}) =>
      sendOnce(request, { ...how, requestMs: how.requestTimeout || requestMs, dispatchers, proxy }),
    destroy: () => void dispatchers.close(),
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  }
}

interface Sending extends TryOptions {
  requestMs: number
  dispatchers: Dispatchers
  proxy: ProxySettings
}

async function sendOnce(request: SdkRequest, { abortSignal, requestMs, dispatchers, proxy }: Sending) {
  const url = urlOf(request)
  const late = deadlineIn(requestMs)
  try {
    const answer = await send(url, {
      dispatcher: dispatchers.for(url),
      method: request.method as "POST",
      headers: request.headers,
      body: sdkBody(request.body),
      signal: abortSignal ? AbortSignal.any([abortSignal, late]) : late,
    })
    const headers = Object.entries(answer.headers).map(([name, value]) => [name, [value].flat().join(", ")])
    const body = new Uint8Array(await answer.body.arrayBuffer())
    return { response: { statusCode: answer.statusCode, headers: Object.fromEntries(headers), body } }
  } catch (cause) {
    const via = sayProxy(url, proxy)
    if (abortSignal?.aborted) throw named("AbortError", `Request aborted${via}`)
    if (late.aborted) throw named("TimeoutError", `no response within ${requestMs} ms${via}`)
    const says = withoutLogin(cause instanceof Error ? cause.message || cause.name : String(cause), proxy)
    // Marks the error as retriable for the SDK. Whether it is retried depends on the client.
    throw Object.assign(new Error(`${says}${via}`), { $retryable: { throttling: false } })
  }
}

function urlOf({ protocol, hostname, port, path, query = {} }: SdkRequest): URL {
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    if (value === null) return [escaped(name)]
    return [value].flat().map((one) => `${escaped(name)}=${escaped(one)}`)
  })
  const search = pairs.length === 0 ? "" : `?${pairs.join("&")}`
  return new URL(`${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}${search}`)
}

/** Percent-encodes everything except letters, digits and `-_.~`, as the signature requires. */
function escaped(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function sdkBody(body: unknown): string | Uint8Array | null {
  if (typeof body === "string" || body instanceof Uint8Array) return body
  if (body === undefined || body === null) return null
  throw new TypeError("a body that is a stream is not supported")
}

function withoutLogin(text: string, { address }: ProxySettings): string {
  return proxySecrets(new URL(address)).reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text)
}

function named(name: "AbortError" | "TimeoutError", message: string): Error {
  return Object.assign(new Error(message), { name })
}
