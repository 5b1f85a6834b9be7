/** Longest timer that Node.js supports, milliseconds; a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * Signal that aborts after `ms` milliseconds, at least 1. Monotonic clocks return fractions of a millisecond.
 * They are cut off, because AbortSignal.timeout rejects them.
 */
export function deadlineIn(ms: number): AbortSignal {
  return AbortSignal.timeout(timerMs(ms))
}

function timerMs(ms: number): number {
  return Math.max(1, Math.min(Math.floor(ms), MAX_TIMER_MS))
}

/**
 * A deadline that the caller clears when the work is done. It is cheaper than `deadlineIn`, whose timer also
 * fires long after the work is done. Aborting `outer` aborts the deadline, too.
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

/** Time limit of one piece of work. An AbortSignal would cost more CPU than all the rest of a read. */
export interface TimeLimit {
  readonly hasPassed: boolean
  /** Calls `stop` when the time is over, or at once if it is over already. Replaces an earlier `stop`. */
  whenPassed(stop: () => void): void
}

export interface TimedWork<T> {
  /** Time limit in milliseconds; values below 1 count as 1. */
  ms: number
  /** Does the work. Its result is ignored if the time is over first. */
  work(limit: TimeLimit): Promise<T>
  /** Returns the result to use if the time is over before the work is done. */
  late(): T
}

/** Resolves to the result of `work`, or to that of `late` if the time is over first. */
export function inTime<T>({ ms, work, late }: TimedWork<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let stop = (): void => undefined
    const limit = {
      hasPassed: false,
      whenPassed(call: () => void) {
        stop = call
        if (limit.hasPassed) stop()
      },
    }
    const timer = setTimeout(() => {
      limit.hasPassed = true
      resolve(late())
      stop()
    }, timerMs(ms))
    work(limit)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer))
  })
}
