import { tzOffset } from "@date-fns/tz/tzOffset"

// Local time in an IANA zone. The library is asked one way only, from an instant to its offset; the way back is ours. A
// wall time is written as the epoch milliseconds at which UTC's clocks show it.

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** No zone was ever further from UTC than that (Manila and Alaska, before they changed sides, were nearly 16 h). */
const MOST_OFFSET_MS = 16 * HOUR_MS

/** A stretch of time with one offset: `from` is in it, `to` is not. */
interface Stretch {
  from: number
  to: number
  offsetMs: number
}

/** What a zone's clocks show at an instant. Throws RangeError for a zone that this runtime does not know. */
export function wallTime(timezone: string, at: number): number {
  return at + offsetMs(timezone, at)
}

/**
 * The first instant at which a zone's clocks have shown `wall` or more. A time that a gap leaves out is reached at the
 * first instant after the gap, and one that is shown twice is reached the first time: each has exactly one instant, in
 * the order of the wall times.
 */
export function firstInstantAt(timezone: string, wall: number): number {
  const stretches = stretchesOf(timezone, wall - MOST_OFFSET_MS, wall + MOST_OFFSET_MS + MINUTE_MS)
  const first = stretches.find(({ to, offsetMs: offset }) => to + offset > wall)
  if (!first) throw new RangeError(`${timezone} is further than 16 h from UTC`)
  return Math.max(first.from, wall - first.offsetMs)
}

/**
 * The highest wall time whose first instant is not after `at`: what the clocks show, but where they were set back, what
 * they had shown before, until they show it again.
 */
export function wallReached(timezone: string, at: number): number {
  const stretches = stretchesOf(timezone, at - 2 * MOST_OFFSET_MS, at)
  const last = stretches.map(({ to, offsetMs: offset }) => to + offset - 1)
  return Math.max(...last, wallTime(timezone, at))
}

/** The stretches from one instant to a later one. Sampled hourly: no zone changes its clocks twice within the hour. */
function stretchesOf(timezone: string, from: number, to: number): Stretch[] {
  const stretches: Stretch[] = []
  let [start, offset] = [from, offsetMs(timezone, from)]
  for (let at = from; at < to; ) {
    const next = Math.min(at + HOUR_MS, to)
    const nextOffset = offsetMs(timezone, next)
    if (nextOffset !== offset) {
      const change = firstChange(timezone, at, next)
      stretches.push({ from: start, to: change, offsetMs: offset })
      start = change
      offset = nextOffset
    }
    at = next
  }
  return [...stretches, { from: start, to, offsetMs: offset }]
}

/** The first instant with another offset than `before`'s; `after` has one. */
function firstChange(timezone: string, before: number, after: number): number {
  const offset = offsetMs(timezone, before)
  let [same, other] = [before, after]
  while (other - same > 1) {
    const middle = same + Math.floor((other - same) / 2)
    if (offsetMs(timezone, middle) === offset) same = middle
    else other = middle
  }
  return other
}

function offsetMs(timezone: string, at: number): number {
  const offset = tzOffset(timezone, new Date(at)) * MINUTE_MS
  if (Number.isNaN(offset)) throw new RangeError(`this runtime does not know the time zone ${timezone}`)
  return offset
}
