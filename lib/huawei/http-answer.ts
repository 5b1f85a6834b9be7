import { isSecureUrl } from "../decision/policy/secure-address.ts"
import type { Read } from "../ports.ts"
import { errorOf, jsonOf } from "./answer-error.ts"
import { oneLine, redact, secretsOf } from "./purchase/redaction.ts"
import type { Credentials } from "./signature.ts"

/** One question to the cloud. A POST here is a read, too. */
export interface Question {
  /** The API's own name of the operation, for sentences. */
  operation: string
  method: "GET" | "POST"
  url: string
  /** null: a service that knows no projects. */
  projectId: string | null
  /** Sent as JSON. */
  body?: unknown
  /** For all tries together, where it is less than every question's limit. Milliseconds. */
  totalMs?: number
}

/** The meaning of an answer's JSON, or its problem. */
export type Parsed<T> = { ok: true; value: T } | { ok: false; why: string }
/** `receivedAt`: when the answer came by our clock, epoch milliseconds. */
export type Parse<T> = (json: unknown, receivedAt: number) => Parsed<T>

/** An answer that came in whole. `at`: when its headers arrived by our clock; `credentials`: what must not be in it. */
export interface Answer {
  /** The question's. */
  url: URL
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  /** Why the body cannot be read, where it came in a compression that it should not have; else null. */
  problem: string | null
  at: number
  credentials: Credentials
}

/** Statuses that say that the question is wrong, and would be the next time. */
const REFUSALS: readonly number[] = [400, 404, 405, 406, 411, 413, 414, 415, 422]

/** The answer's value, or a sentence that names operation, host, status, error code and request id. */
export function readAnswer<T>(question: Question, answer: Answer, parse: Parse<T>): Read<T> {
  const { status } = answer
  const json = jsonOf(answer.text)
  const time = timeOf(answer)
  const isOk = status >= 200 && status <= 299
  const refused = (why: string) => ({
    ...failed(question, redact(why, secretsOf(answer.credentials)), status === 401 || status === 403),
    // A 2xx that cannot be read is no silence of a meter, which a rule may hold to breach.
    ...(isOk || REFUSALS.includes(status) ? { refused: true as const } : {}),
    ...(time ?? {}),
  })
  if (isOk && answer.problem !== null) return refused(`answered ${status} with ${answer.problem}`)
  if (!isOk) return refused(sayRefusal(answer, json))
  if (json === undefined) return refused(`answered ${status} with something that is not JSON`)
  const parsed = parse(json, answer.at)
  if (!parsed.ok) return refused(`answered ${status}, but ${parsed.why}`)
  return { ok: true, value: parsed.value, ...(time ?? { skewMs: null }) }
}

/** `answered 403 ModelArts.0108: not authorized (request id 7d1…)`. */
function sayRefusal({ status, headers, text }: Answer, json: unknown): string {
  const { code, message, requestId } = errorOf(json)
  const id = first(headers["x-request-id"]) ?? requestId
  const redirect = status >= 300 && status < 400 ? ", a redirect, which is not followed" : ""
  const detail = json === undefined && text !== "" ? ", not JSON" : ""
  const what = `${code === null ? "" : ` ${code}`}${message === null ? "" : `: ${message}`}`
  return `answered ${status}${redirect}${detail}${what}${id === null ? "" : ` (request id ${id})`}`
}

/** A read without a value; `credentials` where they are to blame. */
export function failed(
  question: Question,
  why: string,
  credentials: boolean,
): Extract<Read<never>, { ok: false }> {
  return { ok: false, why: `${question.operation} at ${hostOf(question.url)} ${oneLine(why)}`, credentials }
}

/**
 * The time that an answer names (header `Date`, of refusals too). Only an answer of the cloud's own counts: over verified
 * TLS, or from this machine (a sandbox). `Age` marks one that a cache repeats (RFC 9111, 5.1); its `Date` is an old one.
 */
function timeOf({ url, headers, at }: Answer): { skewMs: number; date: number } | null {
  const date = Date.parse(first(headers["date"]) ?? "")
  const counts = isSecureUrl(url) && headers["age"] === undefined
  if (!counts || Number.isNaN(date)) return null
  return { skewMs: skewMs(date, at), date }
}

/**
 * The cloud's clock minus ours. `Date` names a whole second, so this is the smallest difference that fits: 0 if our clock
 * was within that second. Rounding of up to a second is never taken for skew.
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
