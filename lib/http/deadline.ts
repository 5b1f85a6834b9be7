/** The longest timer that Node.js has; a longer one would end at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * Aborts after this time, milliseconds, and at the earliest after one. Monotonic clocks have fractions of a millisecond,
 * which AbortSignal.timeout refuses.
 */
export function deadlineIn(ms: number): AbortSignal {
  return AbortSignal.timeout(Math.max(1, Math.min(Math.floor(ms), MAX_TIMER_MS)))
}
