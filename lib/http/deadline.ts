/** The longest timer that Node.js has; a longer one would end at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * Aborts after this time, milliseconds, and at the earliest after one. Monotonic clocks have fractions of a millisecond,
 * which AbortSignal.timeout refuses.
 */
export function deadlineIn(ms: number): AbortSignal {
  return AbortSignal.timeout(timerMs(ms))
}

function timerMs(ms: number): number {
  return Math.max(1, Math.min(Math.floor(ms), MAX_TIMER_MS))
}

/**
 * A deadline that is cleared when the work is done. One of `deadlineIn` costs more to make, and once more when its time comes,
 * long after the work. `outer`: ends it, too, once it is aborted.
 */
export function clearableDeadline(
  ms: number,
  outer?: AbortSignal,
): { deadline: AbortSignal; clear: () => void } {
  const controller = new AbortController()
  const end = () => controller.abort()
  const timer = setTimeout(end, timerMs(ms))
  if (outer?.aborted) end()
  else outer?.addEventListener("abort", end, { once: true })
  return {
    deadline: controller.signal,
    clear() {
      clearTimeout(timer)
      outer?.removeEventListener("abort", end)
    },
  }
}

/** The time of one piece of work. An AbortSignal would cost more than all else that a read does here. */
export interface TimeLimit {
  readonly isOver: boolean
  /** Calls `stop` once the time is over; at once if it is. Only the newest one is called. */
  whenOver(stop: () => void): void
}

export interface TimedWork<T> {
  /** At the earliest after one millisecond. */
  ms: number
  /** A result that comes after the time is over is ignored. */
  work(limit: TimeLimit): Promise<T>
  /** The result where the time is over before the work is done. */
  late(): T
}

/** The result of work that has only so much time. */
export function inTime<T>({ ms, work, late }: TimedWork<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let stop = (): void => undefined
    const limit = {
      isOver: false,
      whenOver(call: () => void) {
        stop = call
        if (limit.isOver) stop()
      },
    }
    const timer = setTimeout(() => {
      limit.isOver = true
      resolve(late())
      stop()
    }, timerMs(ms))
    work(limit)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer))
  })
}
