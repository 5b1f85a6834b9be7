import * as z from "zod"

/** Text in one shape; `error` describes the allowed form for any mistake. The format has no name, so that JSON Schema shows only the pattern. */
export const text = (pattern: RegExp, error: string) => z.stringFormat("", pattern, { error })
