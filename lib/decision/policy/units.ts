import * as z from "zod"
import { durationMs, isRecord } from "./amounts.ts"
import { text } from "./text-shape.ts"

/** A region's name. A name with one more letter is an availability zone, which has no endpoint. */
export const regionName = (error: string) =>
  text(/^[a-z0-9-]{1,32}$/, error).superRefine((name, ctx) => {
    const [, region] = /^(.*-\d+)[a-z]$/.exec(name) ?? []
    if (region === undefined) return
    ctx.addIssue({
      code: "custom",
      message: `must be a region: ${name} is an availability zone of ${region}`,
    })
  })

/** A whole number between two bounds, both inclusive; `unit` follows the bounds in the message. */
export const whole = (min: number, max: number, unit = "") => {
  const error = `must be ${min} to ${max}${unit && ` ${unit}`}`
  return z.int({ error: `${error}, a whole number` }).check(z.gte(min, { error }), z.lte(max, { error }))
}

/** Option for a refinement that must run even if another key of the mapping is invalid. */
export const whenRecord = { when: ({ value }: { value: unknown }) => isRecord(value) }

const DURATION = 'a duration such as "90s", "15m", "1h" or "30d"'
const MAX_DURATION_MS = 366 * 86_400_000

/** A duration in the policy file; at most 366 days, so that no sum of times exceeds the range of a date. */
export const duration = durationSaying(`must be ${DURATION}`)

/** A duration with its own error message, for keys that do not allow every duration. */
export function durationSaying(error: string) {
  return text(/^\d{1,6}[smhd]$/, error)
    .refine((text) => (durationMs(text) ?? 0) <= MAX_DURATION_MS, { error: "must be at most 366d" })
    .transform((text) => durationMs(text) ?? Number.NaN)
}

/** A duration above zero. */
export const positiveDuration = duration.refine((ms) => ms > 0, { error: "must be longer than 0" })

/** `3 of 5` -> 3 of the 5 newest periods must breach. */
export const pointsOf = text(/^\d{1,3} of \d{1,3}$/, 'must be "M of N", such as "3 of 5"')
  .transform((text) => {
    const [m = 0, n = 0] = text.split(" of ").map(Number)
    return { m, n }
  })
  .refine(({ m, n }) => m >= 1 && n <= 100 && m <= n, { error: "must have 1 <= M <= N <= 100" })

/** `80%` -> 0.8. */
export const share = text(/^\d{1,3}(\.\d+)?%$/, 'must be a percentage such as "80%"')
  .transform((text) => Number.parseFloat(text) / 100)
  .refine((value) => value > 0 && value <= 1, { error: 'must be above "0%" and at most "100%"' })

/** `2 per 24h` -> at most 2 in any 24 hours. */
export const countPer = text(/^\d{1,4} per \d{1,6}[smhd]$/, 'must be "N per D", such as "2 per 24h"')
  .transform((text) => {
    const [count = "", per = ""] = text.split(" per ")
    return { count: Number(count), perMs: durationMs(per) ?? 0 }
  })
  .refine(({ perMs }) => perMs > 0 && perMs <= MAX_DURATION_MS, {
    error: "must be over a window of more than 0 and at most 366d",
  })
