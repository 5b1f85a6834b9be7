import type { Envelope } from "./report.ts"

/**
 * Maximum number of elements in a drawn series. No screen has more columns, and a year still fits into about
 * 100 KB.
 */
export const MAX_ELEMENTS = 4_000
/** Significant digits of a drawn value. */
const DIGITS = 7
const MINUTE_MS = 60_000

/** A value that lasts for `durationMs` from `at` on. NaN means that the source has no value for this time. */
export interface LoadRow {
  at: number
  value: number
  durationMs: number
}

/** First and last time of the rows, and their number; `count` may be higher than the real number. */
export interface RowRange {
  from: number
  to: number
  count: number
}

/**
 * Converts rows, in order of time, to a series of bounded length. More than `MAX_ELEMENTS / 2` rows are
 * combined by buckets of equal length. Each bucket keeps its smallest and its largest value, so no peak is
 * lost.
 */
export function envelopeOf(rows: Iterable<LoadRow>, range: RowRange): Envelope {
  return range.count <= MAX_ELEMENTS / 2 ? allOf(rows) : bucketsOf(rows, range)
}

function allOf(rows: Iterable<LoadRow>): Envelope {
  const series: Envelope = { at: [], low: [], high: [], bucketMs: null, rows: 0 }
  let end: number | null = null
  for (const { at, value, durationMs } of rows) {
    if (end !== null && at > end) push(series, end, null)
    const isThere = Number.isFinite(value)
    push(series, at, isThere ? { low: value, high: value } : null)
    series.rows += isThere ? 1 : 0
    end = at + durationMs
  }
  return series
}

function bucketsOf(rows: Iterable<LoadRow>, { from, to }: RowRange): Envelope {
  const bucketMs = Math.max(MINUTE_MS, Math.ceil((to - from + 1) / MAX_ELEMENTS / MINUTE_MS) * MINUTE_MS)
  const count = Math.floor((to - from) / bucketMs) + 1
  const low = new Float64Array(count).fill(Number.POSITIVE_INFINITY)
  const high = new Float64Array(count).fill(Number.NEGATIVE_INFINITY)
  const series: Envelope = { at: [], low: [], high: [], bucketMs, rows: 0 }
  for (const { at, value, durationMs } of rows) {
    if (!Number.isFinite(value)) continue
    series.rows += 1
    // A row that is longer than a bucket counts in each bucket that it overlaps.
    const last = Math.min(count - 1, Math.floor((at + durationMs - 1 - from) / bucketMs))
    for (let i = Math.max(0, Math.floor((at - from) / bucketMs)); i <= last; i++) {
      low[i] = Math.min(low[i] ?? value, value)
      high[i] = Math.max(high[i] ?? value, value)
    }
  }
  for (let i = 0; i < count; i++) {
    const [least, most] = [low[i] ?? 0, high[i] ?? 0]
    push(series, from + i * bucketMs, least <= most ? { low: least, high: most } : null)
  }
  return series
}

function push(series: Envelope, at: number, value: { low: number; high: number } | null): void {
  series.at.push(at)
  series.low.push(value && shortened(value.low))
  series.high.push(value && shortened(value.high))
}

function shortened(value: number): number {
  return Number(value.toPrecision(DIGITS))
}
