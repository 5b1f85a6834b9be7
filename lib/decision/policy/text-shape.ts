import * as z from "zod"

/** Text in one shape; `error` describes the allowed form for any mistake. */
export const text = (pattern: RegExp, error: string) => z.stringFormat("", pattern, { error })
