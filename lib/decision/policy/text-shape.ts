import * as z from "zod"

/**
 * Schema of a text that matches `pattern`; `error` describes the allowed form. The format has no name, so
 * that JSON Schema shows only the pattern.
 */
export const text = (pattern: RegExp, error: string) => z.stringFormat("", pattern, { error })
