import * as z from "zod"
import { onFirstUse } from "../on-first-use.ts"

/** Code and message of an error answer; null for a part that it lacks. */
export interface AnswerError {
  /** Such as `ModelArts.6716`, with its prefix. */
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

/** An error answer contains one or two objects; an answer with thousands is not one and is not searched. */
const MAX_NESTED = 32

/**
 * The error in a JSON answer, in all documented dresses: `error_code`/`error_msg` (ModelArts, gateway),
 * `errorCode`/`errorMsg`, `code`/`message`, any of them one level deeper (`error`, or Cloud Eye's `message`).
 * The top level has precedence.
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

/** undefined for what is no JSON, which `null` is. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
