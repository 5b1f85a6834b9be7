import type { Statistic } from "./load.ts"

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const MAX_POINTS = 3000
const RETENTION_MS = 2 * DAY_MS
/** Data with a period of up to five minutes is kept for two days only. */
const COARSEST_SHORT_LIVED_MS = 300_000

/** `period` of batch-query-metric-data, and the longest span that each may cover (none is documented for "60"). */
export const PERIODS = {
  "1": { periodMs: MINUTE_MS, maxMs: 4 * HOUR_MS },
  "60": { periodMs: MINUTE_MS, maxMs: Infinity },
  "300": { periodMs: 300_000, maxMs: DAY_MS },
  "1200": { periodMs: 1_200_000, maxMs: 3 * DAY_MS },
  "3600": { periodMs: HOUR_MS, maxMs: 10 * DAY_MS },
  "14400": { periodMs: 4 * HOUR_MS, maxMs: 30 * DAY_MS },
  "86400": { periodMs: DAY_MS, maxMs: 180 * DAY_MS },
} as const

export const PERIOD_NAMES = ["1", "60", "300", "1200", "3600", "14400", "86400"] as const
export type PeriodName = (typeof PERIOD_NAMES)[number]

/** Query that applies to all series of one request. */
export interface MetricWindow {
  period: PeriodName
  filter: Statistic
  /** Epoch milliseconds. */
  from: number
  to: number
}

/**
 * Starts of the periods of an answer, oldest first. `from` is rounded down to the period. It is silently
 * moved forward if metrics × (to − from) / interval would exceed 3000 or the span is too long. A period
 * counts only if it has ended, ends by `to`, and its data is still kept. So a window inside one period has
 * none.
 */
export function periodsOf(
  window: MetricWindow,
  { metrics, now }: { metrics: number; now: number },
): number[] {
  const { periodMs, maxMs } = PERIODS[window.period]
  const spanMs = Math.min(window.to - window.from, maxMs, Math.floor(MAX_POINTS / metrics) * periodMs)
  const spanStart = window.to - spanMs
  const retainedFrom = periodMs <= COARSEST_SHORT_LIVED_MS ? now - RETENTION_MS : 0
  // Rounding down must not restore periods that were cut off above.
  const first = spanStart > window.from ? Math.ceil(spanStart / periodMs) : Math.floor(spanStart / periodMs)
  const last = Math.floor(Math.min(window.to, now) / periodMs) - 1
  const starts: number[] = []
  for (let n = Math.max(first, Math.ceil(retainedFrom / periodMs)); n <= last; n += 1)
    starts.push(n * periodMs)
  return starts
}
