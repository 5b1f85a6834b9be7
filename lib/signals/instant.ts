import * as z from "zod"
import { onFirstUse } from "../on-first-use.ts"

const ISO = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})$/
const EARLIEST = Date.UTC(2000, 0, 1)
const LATEST = Date.UTC(2100, 0, 1)

/**
 * Converts an ISO 8601 time with a zone to epoch milliseconds; `null` for anything else. AWS writes `+0000`
 * without a colon, and Go writes nine fractional digits; both are accepted. Go's zero time, which
 * means "no time", is before 2000 and gives `null`.
 */
export function instantOf(text: string): number | null {
  const match = ISO.exec(text)
  if (!match) return null
  const [, day = "", time = "", fraction = "", zone = ""] = match
  // Date.parse converts 30 February to a day in March, so a day that does not exist is rejected here.
  const midnight = Date.parse(`${day}T00:00:00Z`)
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return null
  const offset = zone === "Z" || zone.includes(":") ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`
  const at = Date.parse(`${day}T${time}.${fraction.padEnd(3, "0").slice(0, 3)}${offset}`)
  return isInstant(at) ? at : null
}

/**
 * True for a whole number of milliseconds between 2000 and 2100. A time in seconds is below that range, so it
 * is rejected.
 */
export function isInstant(at: unknown): at is number {
  return typeof at === "number" && Number.isInteger(at) && at >= EARLIEST && at < LATEST
}

/** Schema of an ISO 8601 time in a foreign event. Parses to epoch milliseconds. */
export const isoInstant = onFirstUse(() =>
  z.string().transform((text, ctx) => {
    const at = instantOf(text)
    if (at !== null) return at
    ctx.addIssue({ code: "custom", message: "must be a time such as 2024-01-12T16:50:00Z" })
    return z.NEVER
  }),
)

/** Schema of epoch milliseconds in a foreign event. */
export const epochMs = onFirstUse(() =>
  z.number().refine(isInstant, { error: "must be a time in epoch milliseconds" }),
)
