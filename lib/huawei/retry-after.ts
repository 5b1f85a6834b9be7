import { instantOf } from "./instant.ts"

const MAX_MS = 3_600_000

/**
 * Wait in milliseconds from a `Retry-After` header (seconds or an HTTP date), clamped to 0 to 1 h. `null` if
 * the header is missing or unreadable, such as "5.5", which `Date.parse` would read as the fifth of May.
 */
export function retryAfterMs(header: string | string[] | undefined, now: number): number | null {
  const value = (Array.isArray(header) ? header[0] : header)?.trim() ?? ""
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : (instantOf(dateOf(value), now) ?? Number.NaN) - now
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), MAX_MS)
}

/** An HTTP date starts with its weekday: `Wed, 21 Oct 2026 07:28:00 GMT`. Some servers write ISO 8601. */
function dateOf(value: string): number {
  return /^([A-Z][a-z]{2,8}, |\d{4}-\d\d-\d\dT)/.test(value) ? Date.parse(value) : Number.NaN
}
