/** 2015-01-01: the cloud's first supernode is younger. Epoch seconds, taken for milliseconds, lie before it. */
const EARLIEST_MS = Date.UTC(2015, 0, 1)
const DAY_MS = 86_400_000

/**
 * An instant as epoch milliseconds; null where it is not a number, lies before 2015, or more than a day after
 * `receivedAt`. Such a value is in other units, or not known at all, so nothing may be concluded from it.
 */
export function instantOf(value: unknown, receivedAt: number): number | null {
  if (typeof value !== "number") return null
  return value >= EARLIEST_MS && value <= receivedAt + DAY_MS ? value : null
}
