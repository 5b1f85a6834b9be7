import * as z from "zod"
import type { Operation } from "./api/route.ts"
import { gatewayError, type SandboxResponse, serviceError } from "./response.ts"

const status = z.int().min(200).max(599)
const headers = z.record(z.string(), z.string()).optional()
const moment = z.enum(["before-effect", "after-effect"])

const KINDS = [
  "status",
  "throttle",
  "reset",
  "hang",
  "delayMs",
  "skewMs",
  "truncate",
  "notJson",
  "emptyBody",
  "applyButAnswer",
] as const

/**
 * One failure, of exactly one kind. "Effect" is the action of the request, usually the order.
 * `status` and `throttle` refuse before the effect. `delayMs`, `skewMs`, `truncate`, `notJson`, `emptyBody`
 * and `applyButAnswer` alter the answer after it.
 */
export const failureSchema = z
  .strictObject({
    /**
     * Answers with this status instead. With `code`, the body has the cloud's error form; otherwise it is
     * `body`, or empty.
     */
    status: status.optional(),
    code: z.string().optional(),
    message: z.string().optional(),
    body: z.json().optional(),
    headers,
    /** Answers 429 APIG.0308 with this `Retry-After` in seconds; if null, without that header. */
    throttle: z.int().min(0).nullable().optional(),
    /** Drops the connection. */
    reset: moment.optional(),
    /** Never answers; `true` means before the effect. */
    hang: z.union([z.literal(true), moment]).optional(),
    /** Answers after this delay, in milliseconds. */
    delayMs: z.int().min(0).max(3_600_000).optional(),
    /** Error of the `Date` header, in milliseconds. */
    skewMs: z.int().optional(),
    /** Sends half of the body, then drops the connection. */
    truncate: z.literal(true).optional(),
    /** Answers with HTML, as a proxy before the cloud would. */
    notJson: z.literal(true).optional(),
    emptyBody: z.literal(true).optional(),
    /** Applies the effect, and sends this answer instead. */
    applyButAnswer: z.strictObject({ status, body: z.json().optional(), headers }).optional(),
  })
  .refine((failure) => KINDS.filter((kind) => failure[kind] !== undefined).length === 1, {
    error: `must have exactly one of ${KINDS.join(", ")}`,
  })
  .refine((failure) => failure.status !== undefined || noneOf(failure), {
    error: "code, message, body and headers need status",
  })

export type Failure = z.input<typeof failureSchema>

/** Result of a request on the wire: a response, possibly altered, a hang or a reset. */
export type Delivery =
  | { kind: "response"; response: SandboxResponse; delayMs: number; skewMs: number; cut: boolean }
  | { kind: "hang" }
  | { kind: "reset" }

/** Requested failures by operation, first in first out. */
export interface FailureQueue {
  add(operation: Operation, failure: Failure, times: number): void
  take(operation: Operation): Failure | undefined
  clear(): void
}

export function failureQueue(): FailureQueue {
  const waiting: { operation: Operation; failure: Failure; left: number }[] = []
  return {
    add(operation, failure, times) {
      waiting.push({ operation, failure, left: times })
    },
    take(operation) {
      const at = waiting.findIndex((entry) => entry.operation === operation)
      const entry = waiting[at]
      if (!entry) return undefined
      entry.left -= 1
      if (entry.left === 0) waiting.splice(at, 1)
      return entry.failure
    },
    clear() {
      waiting.length = 0
    },
  }
}

/** Runs `act` (the effect) unless the failure precedes it, and alters its response as the failure says. */
export function deliveryOf(
  failure: Failure | undefined,
  { act, requestId }: { act: () => SandboxResponse; requestId: string },
): Delivery {
  if (failure === undefined) return whole(act())
  if (failure.status !== undefined) return whole(refusalOf({ ...failure, status: failure.status }, requestId))
  if (failure.throttle !== undefined) return whole(throttled(failure.throttle, requestId))
  if (failure.reset === "before-effect") return { kind: "reset" }
  if (failure.hang === true || failure.hang === "before-effect") return { kind: "hang" }
  const response = act()
  if (failure.reset !== undefined) return { kind: "reset" }
  if (failure.hang !== undefined) return { kind: "hang" }
  return alteredDelivery(failure, response)
}

function alteredDelivery(failure: Failure, response: SandboxResponse): Delivery {
  const { applyButAnswer: other, delayMs = 0, skewMs = 0, truncate: cut = false } = failure
  if (other)
    return whole({
      status: other.status,
      body: other.body,
      ...(other.headers ? { headers: other.headers } : {}),
    })
  if (failure.notJson) return whole({ ...response, body: "<html><body>It works!</body></html>" })
  if (failure.emptyBody) return whole({ ...response, body: undefined })
  return { ...whole(response), delayMs, skewMs, cut }
}

function whole(response: SandboxResponse) {
  return { kind: "response" as const, response, delayMs: 0, skewMs: 0, cut: false }
}

function refusalOf(
  { status, code, message = "", body, headers = {} }: Failure & { status: number },
  requestId: string,
): SandboxResponse {
  if (code === undefined) return { status, body, headers }
  const error = code.startsWith("APIG.")
    ? gatewayError({ status, code, message, requestId })
    : serviceError(status, code, message)
  return { ...error, headers }
}

function throttled(retryAfterS: number | null, requestId: string): SandboxResponse {
  const message =
    "The throttling threshold has been reached: policy user over ratelimit,limit:10,time:1 second"
  const response = gatewayError({ status: 429, code: "APIG.0308", message, requestId })
  return retryAfterS === null ? response : { ...response, headers: { "Retry-After": String(retryAfterS) } }
}

function noneOf({
  code,
  message,
  body,
  headers: extra,
}: Partial<Record<"code" | "message" | "body" | "headers", unknown>>): boolean {
  return [code, message, body, extra].every((value) => value === undefined)
}
