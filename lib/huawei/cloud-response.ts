import { isSecureUrl } from "../decision/policy/secure-address.ts"
import type { Read } from "../ports.ts"
import { errorOf, jsonOf } from "./answer-error.ts"
import { oneLine, redact, secretsOf } from "./purchase/redaction.ts"
import type { Credentials } from "./signature.ts"

/** One read request to the cloud. A POST is a read here, too. */
export interface CloudRequest {
  /** The API's name for the operation, used in messages. */
  operation: string
  method: "GET" | "POST"
  url: string
  /** `null` for a service without projects. */
  projectId: string | null
  /** Sent as JSON. */
  body?: unknown
  /** Limit for all tries together, in milliseconds; `ReadTimeouts.totalMs` is the default and the maximum. */
  totalMs?: number
}

/** The value parsed from a response's JSON, or the reason why it cannot be used. */
export type Parsed<T> = { ok: true; value: T } | { ok: false; why: string }
/** `receivedAt`: when the response's headers arrived by our clock, epoch milliseconds. */
export type Parse<T> = (json: unknown, receivedAt: number) => Parsed<T>

/** A complete response. `at`: when its headers arrived by our clock; `credentials`: secrets to redact. */
export interface CloudResponse {
  /** URL of the request. */
  url: URL
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  /** Reason why the body cannot be decompressed; `null` if it is readable. We request no compression. */
  problem: string | null
  at: number
  credentials: Credentials
}

/** Statuses that blame the request itself: if it were repeated, it would be refused again. */
const REFUSALS: readonly number[] = [400, 404, 405, 406, 411, 413, 414, 415, 422]

/** The response's value, or a sentence that names operation, host, status, error code and request id. */
export function readResponse<T>(request: CloudRequest, response: CloudResponse, parse: Parse<T>): Read<T> {
  const { status } = response
  const json = jsonOf(response.text)
  const time = timeOf(response)
  const isOk = status >= 200 && status <= 299
  const refused = (why: string) => ({
    ...failed(request, redact(why, secretsOf(response.credentials)), status === 401 || status === 403),
    // An unreadable 2xx must not count as missing data, which a rule may treat as breaching.
    ...(isOk || REFUSALS.includes(status) ? { refused: true as const } : {}),
    ...(time ?? {}),
  })
  if (isOk && response.problem !== null) return refused(`answered ${status} with ${response.problem}`)
  if (!isOk) return refused(sayRefusal(response, json))
  if (json === undefined) return refused(`answered ${status} with something that is not JSON`)
  const parsed = parse(json, response.at)
  if (!parsed.ok) return refused(`answered ${status}, but ${parsed.why}`)
  return { ok: true, value: parsed.value, ...(time ?? { skewMs: null }) }
}

/** Text for an error status: `answered 403 ModelArts.0108: not authorized (request id 7d1…)`. */
function sayRefusal({ status, headers, text }: CloudResponse, json: unknown): string {
  const { code, message, requestId } = errorOf(json)
  const id = first(headers["x-request-id"]) ?? requestId
  const redirect = status >= 300 && status < 400 ? ", a redirect, which is not followed" : ""
  const detail = json === undefined && text !== "" ? ", not JSON" : ""
  const what = `${code === null ? "" : ` ${code}`}${message === null ? "" : `: ${message}`}`
  return `answered ${status}${redirect}${detail}${what}${id === null ? "" : ` (request id ${id})`}`
}

/** A failed read; `credentials` is true if the access keys caused the failure. */
export function failed(
  request: CloudRequest,
  why: string,
  credentials: boolean,
): Extract<Read<never>, { ok: false }> {
  return { ok: false, why: `${request.operation} at ${hostOf(request.url)} ${oneLine(why)}`, credentials }
}

/**
 * The cloud's time from the `Date` header of a response or refusal; `null` if it is missing or cannot be
 * trusted. It is trusted only over verified TLS or from this machine (a sandbox). An `Age` header marks an
 * response that a cache repeated (RFC 9111, 5.1), so its `Date` is old.
 */
function timeOf({ url, headers, at }: CloudResponse): { skewMs: number; date: number } | null {
  const date = Date.parse(first(headers["date"]) ?? "")
  const counts = isSecureUrl(url) && headers["age"] === undefined
  if (!counts || Number.isNaN(date)) return null
  return { skewMs: skewMs(date, at), date }
}

/**
 * The cloud's clock minus ours, in milliseconds. `Date` is rounded down to a second, so this is the smallest
 * difference that fits: 0 if our clock was within that second. So the rounding never counts as skew.
 */
function skewMs(firstMs: number, receivedAt: number): number {
  if (receivedAt < firstMs) return firstMs - receivedAt
  return Math.min(0, firstMs + 999 - receivedAt)
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "an invalid URL"
}

function first(header: string | string[] | undefined): string | null {
  return (Array.isArray(header) ? header[0] : header) ?? null
}
