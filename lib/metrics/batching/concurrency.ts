import type { Read } from "../../ports.ts"
import { messageOf } from "../sentence.ts"

/** Runs what is asked of one place, as soon as there is room. */
export type ConcurrencyLimiter = <T>(place: string, ask: () => Promise<Read<T>>) => Promise<Read<T>>

interface Lane {
  running: number
  waiting: (() => void)[]
  /** Questions in a row that had no answer at all. */
  failures: number
}

/**
 * At most `limit` questions are under way at one place (a host, a region): enough for speed, few enough not to be throttled,
 * and no place waits for another. Where that many in a row had no answer, the rest is not asked any more: each would cost
 * its whole time, and the function has only so much. Never rejects.
 */
export function gateOf(limit: number): ConcurrencyLimiter {
  const lanes = new Map<string, Lane>()
  return async (place, ask) => {
    const lane = lanes.get(place) ?? { running: 0, waiting: [], failures: 0 }
    lanes.set(place, lane)
    if (lane.running >= limit) await new Promise<void>((resolve) => lane.waiting.push(resolve))
    else lane.running += 1
    try {
      if (lane.failures >= limit) return notAsked(lane.failures)
      const read = await ask()
      const isSilent = !read.ok && !read.refused && !read.credentials
      lane.failures = isSilent ? lane.failures + 1 : 0
      return read
    } catch (cause) {
      lane.failures += 1
      return { ok: false, why: messageOf(cause), credentials: false }
    } finally {
      // The place is handed on to the next in the queue, so that a newcomer cannot take it in between.
      const next = lane.waiting.shift()
      if (next) next()
      else lane.running -= 1
    }
  }
}

function notAsked(failures: number): Extract<Read<never>, { ok: false }> {
  return {
    ok: false,
    why: `not asked, because ${failures} questions before had no answer`,
    credentials: false,
    refused: true,
  }
}
