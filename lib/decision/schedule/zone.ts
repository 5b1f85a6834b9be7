import { tzOffset } from "@date-fns/tz/tzOffset"

// Local time in an IANA zone. The library only converts an instant to its offset; the inverse is computed
// here. A local time is represented by the epoch milliseconds at which UTC clocks show it.

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** Largest offset of any zone from UTC. Manila and Alaska had nearly 16 h before the date line moved. */
const MAX_OFFSET_MS = 16 * HOUR_MS

/** Sampling interval of offsets. No present-day zone changes its clocks twice within this time. */
const SAMPLE_MS = 4 * HOUR_MS

/** A time span with one offset: `from` is inclusive, `to` is exclusive. */
interface OffsetSpan {
  from: number
  to: number
  offsetMs: number
}

/** Local time of an instant. Throws RangeError for a zone that this runtime does not know. */
export function wallTime(timezone: string, at: number): number {
  return at + offsetMs(timezone, at)
}

/**
 * For each of the ascending local times, the first instant at which the zone's clocks have reached it. A
 * skipped time maps to the first instant after the gap, and a repeated time to its first occurrence. So each
 * time has exactly one instant, and the instants never descend.
 */
export function firstInstantsAt(timezone: string, walls: readonly number[]): number[] {
  const [earliest, latest] = [walls[0] ?? 0, walls.at(-1) ?? 0]
  const spans = offsetSpansOf(timezone, earliest - MAX_OFFSET_MS, latest + MAX_OFFSET_MS + MINUTE_MS)
  return walls.map((wall) => {
    const first = spans.find(({ to, offsetMs: offset }) => to + offset > wall)
    if (!first) throw new RangeError(`${timezone} is further than 16 h from UTC`)
    return Math.max(first.from, wall - first.offsetMs)
  })
}

export function firstInstantAt(timezone: string, wall: number): number {
  return firstInstantsAt(timezone, [wall])[0] ?? wall
}

function offsetSpansOf(timezone: string, from: number, to: number): OffsetSpan[] {
  const spans: OffsetSpan[] = []
  let [start, offset] = [from, offsetMs(timezone, from)]
  for (let at = from; at < to; ) {
    const next = Math.min(at + SAMPLE_MS, to)
    const nextOffset = offsetMs(timezone, next)
    if (nextOffset !== offset) {
      const change = firstChange(timezone, at, next)
      spans.push({ from: start, to: change, offsetMs: offset })
      start = change
      offset = nextOffset
    }
    at = next
  }
  return [...spans, { from: start, to, offsetMs: offset }]
}

/** First instant whose offset differs from the offset at `before`; the offset at `after` must differ. */
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

/**
 * Offset of an instant, milliseconds. If the samples before and after it agree, their offset is the result.
 * Otherwise the runtime computes the offset of the instant itself. Throws RangeError for a zone that this
 * runtime does not know.
 */
function offsetMs(timezone: string, at: number): number {
  const cell = Math.floor(at / SAMPLE_MS)
  const samples = samplesOf(timezone)
  const sampled = sampleOf(samples, { timezone, cell })
  if (sampled === sampleOf(samples, { timezone, cell: cell + 1 })) return sampled
  const offset = readOffset(timezone, at)
  if (Number.isNaN(offset)) throw new RangeError(`this runtime does not know the time zone ${timezone}`)
  return offset
}

/** Cached offsets at multiples of 4 hours, by zone: runs need the same days, and reading one is slow. */
const knownSamples = new Map<string, Map<number, number>>()
const MAX_ZONES = 50
/** Per zone; covers 166 days. */
const MAX_SAMPLES = 1_000

function samplesOf(timezone: string): Map<number, number> {
  const known = knownSamples.get(timezone)
  if (known && known.size < MAX_SAMPLES) return known
  if (knownSamples.size >= MAX_ZONES) knownSamples.clear()
  const none = new Map<number, number>()
  knownSamples.set(timezone, none)
  return none
}

/** Offset at one sample; NaN for a zone or a time that this runtime does not know. */
function sampleOf(
  samples: Map<number, number>,
  { timezone, cell }: { timezone: string; cell: number },
): number {
  const known = samples.get(cell)
  if (known !== undefined) return known
  const offset = readOffset(timezone, cell * SAMPLE_MS)
  samples.set(cell, offset)
  return offset
}

function readOffset(timezone: string, at: number): number {
  return tzOffset(timezone, new Date(at)) * MINUTE_MS
}
