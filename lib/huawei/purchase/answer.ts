import * as z from "zod"
import { isSameId } from "../../decision/inputs/id.ts"
import type { Outcome, RawAnswer, Unknown } from "../../decision/state/outcome.ts"
import { type Body, decodedBody } from "../../http/content.ts"
import { onFirstUse } from "../../on-first-use.ts"
import { type AnswerError, errorOf, jsonOf } from "../answer-error.ts"
import { instantOf } from "../instant.ts"
import { retryAfterMs } from "../retry-after.ts"
import { oneLine, redact } from "./redaction.ts"
import { rejectionClass } from "./rejections.ts"
import { type Ending, MAX_ANSWER_BYTES, type PurchaseResponse } from "./send-purchase.ts"

// Converts an `Ending` to an `Outcome`. Only a documented answer gives a known outcome. Any other one is
// `unknown`, which holds further purchases until a person settles it.

export interface AnswerContext {
  /** Id of the supernode that the order is for. */
  supernode: string
  /** Epoch milliseconds, for a Retry-After that is a date and to check creation times of servers. */
  now: number
  /** Texts that are redacted if the answer echoes them. */
  secrets: readonly (string | null)[]
}

/** Maximum size of the answer text that is kept; the ledger compresses it. */
const MAX_RAW_BYTES = 1024 * 1024
const MAX_SERVERS = 256

const idShape = onFirstUse(() => z.string().regex(/^[\w.:-]{1,64}$/))
const optionalId = onFirstUse(() => idShape().nullable().catch(null))
const answerShape = onFirstUse(() =>
  z.looseObject({
    id: optionalId(),
    order_id: optionalId(),
    servers: z.array(z.unknown()).nullable().catch(null),
  }),
)
const serverShape = onFirstUse(() =>
  z.looseObject({ id: idShape(), order_id: optionalId(), create_at: z.unknown().optional() }),
)

export function outcomeOf(ending: Ending, context: AnswerContext): Outcome {
  switch (ending.kind) {
    case "not-sent":
      return {
        kind: "not-sent",
        reason: ending.reason,
        says: oneLine(redact(ending.says, context.secrets)),
      }
    case "broken":
      return unknown({ ...ending, code: null }, context)
    case "complete":
      return classify(ending.answer, context)
    default:
      return ending satisfies never
  }
}

function classify(answer: PurchaseResponse, context: AnswerContext): Outcome {
  const { status } = answer
  if (status >= 200 && status <= 299) return classifySuccess(answer, context)
  if (status >= 400 && status <= 499 && status !== 408) return classifyRefusal(answer, context)
  const reason = status === 408 ? "request-timeout" : status <= 399 ? "redirect" : "server-error"
  const { code, message } = errorIn(jsonOf(textOf(answer)), context)
  return unknown({ reason, says: `answered ${status}${saying(code, message)}`, answer, code }, context)
}

/** A success is accepted only if the answer names the supernode or servers. */
function classifySuccess(answer: PurchaseResponse, context: AnswerContext): Outcome {
  const content = contentOf(answer)
  if (!content.ok) {
    const says = `answered ${answer.status} with ${content.why}`
    return unknown({ reason: "unreadable-encoding", says, answer, code: null }, context)
  }
  const json = jsonOf(textOf(answer))
  if (json === undefined) {
    const says = `answered ${answer.status} with something that is not JSON`
    return unknown({ reason: "not-json", says, answer, code: null }, context)
  }
  const { data } = answerShape().safeParse(json)
  const servers = (data?.servers ?? []).flatMap((item) => serverShape().safeParse(item).data ?? [])
  const namesSupernode = typeof data?.id === "string" && isSameId(data.id, context.supernode)
  if (!namesSupernode && servers.length === 0)
    return namelessSuccess(answer, { json, other: data?.id ?? null }, context)
  return {
    kind: "accepted",
    status: answer.status,
    orderId: data?.order_id ?? newestOrderId(servers, context.now),
    requestId: requestIdOf(answer, null, context),
    servers: servers.slice(0, MAX_SERVERS).map((server) => server.id),
    raw: rawOf(answer, context),
  }
}

/**
 * Order id of the newest server, since older servers in the answer have the ids of earlier orders. `null`
 * without an order id, or if an unreadable creation time makes it unclear which order is the newest.
 */
function newestOrderId(
  servers: readonly z.output<ReturnType<typeof serverShape>>[],
  now: number,
): string | null {
  const ordered = servers.flatMap(({ order_id, create_at }) =>
    order_id === null ? [] : [{ orderId: order_id, at: instantOf(create_at, now) }],
  )
  if (new Set(ordered.map(({ orderId }) => orderId)).size <= 1) return ordered[0]?.orderId ?? null
  const dated = ordered.flatMap(({ orderId, at }) => (at === null ? [] : [{ orderId, at }]))
  if (dated.length < ordered.length) return null
  return dated.toSorted((a, b) => b.at - a.at)[0]?.orderId ?? null
}

function namelessSuccess(
  answer: PurchaseResponse,
  seen: { json: unknown; other: string | null },
  context: AnswerContext,
): Unknown {
  const { code, message } = errorIn(seen.json, context)
  const reason = seen.other !== null ? "other-supernode" : code !== null ? "error-code-in-2xx" : "no-id"
  const named = seen.other === null ? "neither the supernode nor servers" : "another supernode and no servers"
  return unknown(
    { reason, says: `answered ${answer.status}, but named ${named}${saying(code, message)}`, answer, code },
    context,
  )
}

function classifyRefusal(answer: PurchaseResponse, context: AnswerContext): Outcome {
  const { status, headers } = answer
  const error = errorIn(jsonOf(textOf(answer)), context)
  const listed = rejectionClass(status, error.code)
  if (listed === null || error.code === null) {
    const says = `answered ${status}${saying(error.code, error.message)}, which is not listed as a refusal`
    return unknown({ reason: "unlisted-4xx", says, answer, code: error.code }, context)
  }
  return {
    kind: "rejected",
    status,
    class: listed,
    code: error.code,
    message: error.message === null ? null : oneLine(error.message),
    retryAfterMs: retryAfterMs(headers["retry-after"], context.now),
    requestId: requestIdOf(answer, error.requestId, context),
    raw: rawOf(answer, context),
  }
}

interface UnknownFields {
  reason: string
  says: string
  answer: PurchaseResponse | null
  code: string | null
}

function unknown({ reason, says, answer, code }: UnknownFields, context: AnswerContext): Unknown {
  return {
    kind: "unknown",
    reason,
    says: oneLine(redact(`${says}; it is unknown whether there is an order`, context.secrets)),
    status: answer?.status ?? null,
    code: code === null ? null : oneLine(code),
    requestId: answer && requestIdOf(answer, null, context),
    raw: answer && rawOf(answer, context),
  }
}

/** The error in an answer. It is redacted before anything is truncated, so that no half secret remains. */
function errorIn(json: unknown, { secrets }: AnswerContext): AnswerError {
  const { code, message, requestId } = errorOf(json)
  const clean = (text: string | null) => (text === null ? null : redact(text, secrets))
  return { code: clean(code), message: clean(message), requestId: clean(requestId) }
}

function saying(code: string | null, message: string | null): string {
  // Truncated here, so that a long message does not cut off the end of the sentence.
  const text = [code, message].filter((part) => part !== null).join(": ")
  return text === "" ? "" : ` (${oneLine(text).slice(0, 160)})`
}

/** The answer's text. If it cannot be decompressed, the received bytes are decoded as they are. */
function textOf(answer: PurchaseResponse): string {
  const content = contentOf(answer)
  return new TextDecoder().decode(content.ok ? content.body : answer.body)
}

/** Decompressed body, within the limit of an uncompressed one. A decompression bomb gives `unknown`. */
function contentOf({ body, headers }: PurchaseResponse): Body {
  return decodedBody(body, headers["content-encoding"], MAX_ANSWER_BYTES)
}

function requestIdOf(
  { headers }: PurchaseResponse,
  inBody: string | null,
  { secrets }: AnswerContext,
): string | null {
  const header = headers["x-request-id"]
  const text = (Array.isArray(header) ? header[0] : header) ?? inBody
  return text === null ? null : oneLine(redact(text, secrets)).slice(0, 128)
}

/** The answer's text as it is kept: redacted before it is truncated, so that no half secret remains. */
function rawOf(answer: PurchaseResponse, { secrets }: AnswerContext): RawAnswer {
  const text = redact(textOf(answer), secrets)
  const body = cut(text)
  return { body, bytes: answer.body.length, truncated: body.length < text.length }
}

function cut(text: string): string {
  return Buffer.byteLength(text) > MAX_RAW_BYTES ? prefixOfBytes(text, MAX_RAW_BYTES) : text
}

/** The longest prefix of at most `maxBytes` bytes that does not split a character. */
function prefixOfBytes(text: string, maxBytes: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes))
  return text.slice(0, read)
}
