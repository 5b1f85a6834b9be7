/**
 * 2015-01-01, before the cloud's first supernode. Epoch seconds read as milliseconds are earlier than this.
 */
const EARLIEST_MS = Date.UTC(2015, 0, 1)
const DAY_MS = 86_400_000

/**
 * An instant in epoch milliseconds. `null` if it is not a number, lies before 2015, or lies more than a day
 * after `receivedAt`. Such a value has another unit or is not set, so nothing may be concluded from it.
 */
export function instantOf(value: unknown, receivedAt: number): number | null {
  if (typeof value !== "number") return null
  return value >= EARLIEST_MS && value <= receivedAt + DAY_MS ? value : null
}
