import { KeyedLimiter } from "../../http/keyed-limiter.ts"
import type { Read } from "../../ports.ts"
import { messageOf } from "../sentence.ts"

/** Sends a request to one place, as soon as the limit of concurrent requests allows it. */
export type ConcurrencyLimiter = <T>(place: string, ask: () => Promise<Read<T>>) => Promise<Read<T>>

/** High enough for speed, low enough to avoid throttling. */
const MAX_AT_ONE_PLACE = 4

/**
 * Sends at most `limit` concurrent requests to one place (a host, a region); no place waits for another.
 * After `limit` consecutive requests without an answer, waiting requests are not sent: each would use its
 * whole time limit, and the function's time is limited. Once the place has no open or waiting request, it
 * gets a new chance. Never rejects.
 */
export function limiterOf(limit = MAX_AT_ONE_PLACE): ConcurrencyLimiter {
  const limiter = new KeyedLimiter(limit)
  const queues = new Map<string, { length: number; failures: number }>()
  return (place, ask) => {
    const queue = queues.get(place) ?? { length: 0, failures: 0 }
    queues.set(place, queue)
    queue.length += 1
    return limiter.within(place, async () => {
      try {
        if (queue.failures >= limit) return notAsked(queue.failures)
        const read = await ask()
        const isUnanswered = !read.ok && !read.refused && !read.credentials
        queue.failures = isUnanswered ? queue.failures + 1 : 0
        return read
      } catch (cause) {
        queue.failures += 1
        return { ok: false, why: messageOf(cause), credentials: false }
      } finally {
        queue.length -= 1
        if (queue.length === 0) queues.delete(place)
      }
    })
  }
}

function notAsked(failures: number): Extract<Read<never>, { ok: false }> {
  return {
    ok: false,
    why: `not sent, because the previous ${failures} requests got no response`,
    credentials: false,
    refused: true,
  }
}
