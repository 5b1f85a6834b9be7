import type * as z from "zod"
import { issueText } from "./issue-text.ts"

/** To compile a schema takes as long as to check about this many values without. */
const PAYS_FROM = 30

/** A check that is made `times` times does not compile its schema to code. */
export const isJitless = (times: number): boolean => times < PAYS_FROM

/** Options of a check that is made `times` times. */
export function checking(times: number): z.core.ParseContext<z.core.$ZodIssue> {
  return { error: issueText, jitless: isJitless(times) }
}
