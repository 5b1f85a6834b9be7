import * as z from "zod"
import { onFirstUse } from "../on-first-use.ts"

/** Code, message and request id of an error answer; `null` for a missing part. */
export interface AnswerError {
  /** With its prefix, such as `ModelArts.6716`. */
  code: string | null
  message: string | null
  requestId: string | null
}

const shape = onFirstUse(() => {
  const text = z
    .union([z.string(), z.number().transform(String)])
    .optional()
    .catch(undefined)
  return z.looseObject({
    error_code: text,
    errorCode: text,
    code: text,
    error_msg: text,
    errorMsg: text,
    message: text,
    details: text,
    request_id: text,
  })
})

/** Maximum number of nested objects to search. An error answer has one or two; others may have thousands. */
const MAX_NESTED = 32

/**
 * The error in a JSON answer, in any documented form: `error_code`/`error_msg` (ModelArts, gateway),
 * `errorCode`/`errorMsg`, `code`/`message`, or one of these pairs one level deeper (`error`, or Cloud Eye's
 * `message`). The top level has precedence.
 */
export function errorOf(json: unknown): AnswerError {
  const top = errorAt(json)
  if (top.code !== null || !isObject(json)) return top
  const nested = Object.values(json)
    .filter(isObject)
    .slice(0, MAX_NESTED)
    .map(errorAt)
    .find(({ code }) => code !== null)
  if (nested === undefined) return top
  return { ...nested, message: nested.message ?? top.message, requestId: nested.requestId ?? top.requestId }
}

function errorAt(json: unknown): AnswerError {
  const parsed = shape().safeParse(json)
  if (!parsed.success) return { code: null, message: null, requestId: null }
  const { data } = parsed
  return {
    code: data.error_code ?? data.errorCode ?? data.code ?? null,
    message: data.error_msg ?? data.errorMsg ?? data.message ?? data.details ?? null,
    requestId: data.request_id ?? null,
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** The parsed JSON; `undefined` if the text is not JSON. The text "null" is JSON, and its value is `null`. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
