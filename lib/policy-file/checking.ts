import type * as z from "zod"
import { issueText } from "./issue-text.ts"

/** Compiling a schema takes about as long as checking this many values without compilation. */
const MIN_COMPILED_VALUES = 30

/** True if a schema should not be compiled, because it checks too few values. */
export const isJitless = (times: number): boolean => times < MIN_COMPILED_VALUES

/** Parse options of a schema that checks `times` values. */
export function checking(times: number): z.core.ParseContext<z.core.$ZodIssue> {
  return { error: issueText, jitless: isJitless(times) }
}
