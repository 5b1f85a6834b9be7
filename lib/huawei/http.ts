import { setTimeout as sleep } from "node:timers/promises"
import { ACCEPT_ENCODING, decodedBody, utf8Text } from "../http/content.ts"
import { inTime, type TimeLimit } from "../http/deadline.ts"
import { type Dispatchers, dispatchersOf } from "../http/dispatchers.ts"
import { KeyedLimiter } from "../http/keyed-limiter.ts"
import { type ProxySettings, proxyFor, proxySecrets, sayProxy } from "../http/proxy.ts"
import { sendRequest } from "../http/whole-response.ts"
import type { Clock, Read } from "../ports.ts"
import { type CloudRequest, type CloudResponse, failed, type Parse, readResponse } from "./cloud-response.ts"
import { codeOf, messageOf } from "./failure.ts"
import { oneLine, redact, secretsOf } from "./purchase/redaction.ts"
import { retryAfterMs } from "./retry-after.ts"
import { type Credentials, type CredentialsProvider, sign } from "./signature.ts"

// The client for all requests that may be repeated. It does its own retries, since undici's retry interceptor
// sends the old signature again. The interceptor also resumes an interrupted response with a `Range` request,
// which these APIs do not support.

export interface ReadTimeouts {
  /** Limit from the start of one try to the last byte, without the wait for a free place. Milliseconds. */
  tryMs: number
  /** Limit for all tries and the waits between them, in milliseconds. */
  totalMs: number
  /** Maximum of the first wait, in milliseconds. The maximum doubles with each wait. */
  backoffMs: number
}

export interface HttpOptions {
  credentials: CredentialsProvider
  clock: Pick<Clock, "now" | "monotonic">
  /** Certificates to trust instead of the system's; PEM. */
  tls?: { ca: string }
  /** HTTPS_PROXY and NO_PROXY. By default (or if `null`), every request goes directly. */
  proxy?: ProxySettings | null
  timeouts?: Partial<ReadTimeouts>
  /** Random number from 0 to 1 for the jitter of waits. Defaults to `Math.random`. */
  random?: () => number
  /** Waits between tries. Defaults to the system's timer. */
  wait?: (ms: number) => Promise<unknown>
}

export interface CloudReader {
  /** Never throws. */
  read<T>(request: CloudRequest, parse: Parse<T>): Promise<Read<T>>
  close(): Promise<void>
}

/**
 * All reads of one supernode together may take 12 s (`READS_MS` of a tick), so one read may not take longer.
 */
const DEFAULT_TIMEOUTS: ReadTimeouts = { tryMs: 10_000, totalMs: 12_000, backoffMs: 250 }
/** Maximum number of concurrent reads at one host, and of connections to it. */
const MAX_READS_PER_HOST = 32
const MAX_TRIES = 4
const MAX_BACKOFF_MS = 5_000
const MAX_ANSWER_BYTES = 8 * 1024 * 1024
const RETRIED_STATUSES: readonly number[] = [429, 500, 502, 503, 504]

type Context = Required<Pick<HttpOptions, "credentials" | "clock" | "random" | "wait">> & {
  dispatchers: Dispatchers
  proxy: ProxySettings | null
  timeouts: ReadTimeouts
}

/** Result of one try. */
type Try = ({ kind: "response" } & CloudResponse) | Nothing

/** A try without a response. `isLate`: its time limit expired. */
interface Nothing {
  kind: "nothing"
  says: string
  retriable: boolean
  credentials: boolean
  isLate: boolean
}

export function cloudReader(options: HttpOptions): CloudReader {
  const { credentials, clock, tls, proxy = null, random = Math.random, wait = (ms) => sleep(ms) } = options
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts }
  const dispatchers = dispatchersOf({
    proxy,
    ca: tls?.ca,
    connectMs: timeouts.tryMs,
    maxResponseSize: MAX_ANSWER_BYTES,
    connections: MAX_READS_PER_HOST,
  })
  const limiter = new KeyedLimiter(MAX_READS_PER_HOST)
  const context: Context = { credentials, clock, random, wait, dispatchers, proxy, timeouts }
  return {
    async read(request, parse) {
      try {
        const url = new URL(request.url)
        // The time limit starts when the read gets its place, so late reads have as much time as the first.
        const { last, tries } = await limiter.within(url.origin, () =>
          readWithRetries({ request, url }, context),
        )
        return last.kind === "response"
          ? readResponse(request, last, parse)
          : failed(
              request,
              `got no response: ${last.says}${tries > 1 ? ` (${tries} tries)` : ""}`,
              last.credentials,
            )
      } catch (cause) {
        return failed(request, `failed: ${messageOf(cause)}`, false)
      }
    },
    close: () => dispatchers.close(),
  }
}

interface ParsedRequest {
  request: CloudRequest
  /** URL of the request, parsed once for all tries. */
  url: URL
}

/** Repeats a request until its result needs no retry, or until the tries or the time are used up. */
async function readWithRetries(
  parsed: ParsedRequest,
  context: Context,
): Promise<{ last: Try; tries: number }> {
  const { clock, timeouts } = context
  const totalMs = Math.min(timeouts.totalMs, parsed.request.totalMs ?? timeouts.totalMs)
  const end = clock.monotonic() + totalMs
  for (let tries = 1; ; tries++) {
    const leftMs = end - clock.monotonic()
    const last = await tryInTime(parsed, context, Math.min(leftMs, timeouts.tryMs))
    const isOutOfTime = last.kind === "nothing" && last.isLate && leftMs <= timeouts.tryMs
    const waitMs = waitAfter(last, tries, context)
    if (isOutOfTime || waitMs === null || clock.monotonic() + waitMs >= end) return { last, tries }
    await context.wait(waitMs)
  }
}

/** Milliseconds before the next try; `null` if there is no next try. */
function waitAfter(last: Try, tries: number, { timeouts, random, clock }: Context): number | null {
  const retriable = last.kind === "nothing" ? last.retriable : RETRIED_STATUSES.includes(last.status)
  if (!retriable || tries >= MAX_TRIES) return null
  const backoffMs = random() * Math.min(timeouts.backoffMs * 2 ** (tries - 1), MAX_BACKOFF_MS)
  const headerMs =
    last.kind === "response" ? (retryAfterMs(last.headers["retry-after"], clock.now()) ?? 0) : 0
  // Never shorter than `Retry-After`. Jitter is added, so that equal clients do not retry together.
  return headerMs + backoffMs
}

/**
 * Ends a try when its time is over, even if its credentials never arrive. An abort alone is too slow: undici
 * ends an aborted request only after its connection opened or failed.
 */
function tryInTime(parsed: ParsedRequest, context: Context, ms: number): Promise<Try> {
  const progress: Progress = { hasKeys: false }
  return inTime<Try>({
    ms,
    work: (limit) => tryOnce(parsed, context, { limit, progress }),
    late: () => ({
      ...(progress.hasKeys
        ? nothing(`it took too long${sayProxy(parsed.url, context.proxy)}`, { retriable: true })
        : nothing("the credentials did not arrive in time", { credentials: true })),
      isLate: true,
    }),
  })
}

interface Progress {
  hasKeys: boolean
}

/**
 * Each try has its own credentials and signature, so no retry is refused because its signature is too old.
 */
async function tryOnce(
  { request, url }: ParsedRequest,
  context: Context,
  { limit, progress }: { limit: TimeLimit; progress: Progress },
): Promise<Try> {
  const credentials = await keysOf(context)
  if (typeof credentials === "string") return nothing(`no credentials: ${credentials}`, { credentials: true })
  if (!credentials.ak || !credentials.sk)
    return nothing("no credentials: access key or secret key is empty", { credentials: true })
  progress.hasKeys = true
  if (limit.hasPassed) return nothing("its time limit passed before the credentials arrived", {})
  const { method, projectId } = request
  const body = request.body === undefined ? null : JSON.stringify(request.body)
  try {
    const headers: Record<string, string> = sign({
      method,
      url,
      headers:
        projectId === null
          ? { "content-type": "application/json" }
          : { "content-type": "application/json", "x-project-id": projectId },
      body,
      credentials,
      now: context.clock.now(),
    })
    // This header is not signed, since a proxy between us and the gateway may rewrite it.
    Object.assign(headers, ACCEPT_ENCODING)
    const dispatcher = context.dispatchers.for(url)
    let at = 0
    const onHeaders = () => {
      at = context.clock.now()
    }
    const response = await sendRequest(dispatcher, { url, method, headers, body, limit, onHeaders })
    const content = decodedBody(response.body, response.headers["content-encoding"], MAX_ANSWER_BYTES)
    const [text, problem] = content.ok ? [utf8Text(content.body), null] : ["", content.why]
    const { status, headers: answered } = response
    return { kind: "response", url, status, headers: answered, text, problem, at, credentials }
  } catch (cause) {
    const tooLarge = codeOf(cause) === "UND_ERR_RES_EXCEEDED_MAX_SIZE"
    if (tooLarge) return nothing("the response is larger than 8 MB", {})
    const via = proxyFor(url, context.proxy)
    const secrets = [...secretsOf(credentials), ...(via ? proxySecrets(via) : [])]
    return nothing(`${redact(messageOf(cause), secrets)}${sayProxy(url, context.proxy)}`, {
      retriable: codeOf(cause) !== "UND_ERR_INVALID_ARG",
    })
  }
}

/** The credentials, or the reason why they are missing. */
async function keysOf({ credentials }: Context): Promise<Credentials | string> {
  try {
    return await credentials()
  } catch (cause) {
    return messageOf(cause)
  }
}

function nothing(says: string, more: { retriable?: boolean; credentials?: boolean }): Nothing {
  return {
    kind: "nothing",
    says: oneLine(says),
    retriable: false,
    credentials: false,
    isLate: false,
    ...more,
  }
}
