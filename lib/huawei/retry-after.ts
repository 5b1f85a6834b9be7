const MAX_MS = 3_600_000

/** Header `Retry-After`, in seconds or as an HTTP date, as milliseconds from `now`; 0 to 1 h, null where there is none. */
export function retryAfterMs(header: string | string[] | undefined, now: number): number | null {
  const value = (Array.isArray(header) ? header[0] : header)?.trim()
  if (value === undefined || value === "") return null
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), MAX_MS)
}
