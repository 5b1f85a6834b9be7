// A second, simple implementation of cron and time zones: a few lines read fields as sets, and clocks are
// read minute by minute as Intl shows them. It is slow, and shares nothing with the code under test.

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

const NAMES: Record<number, string[]> = {
  3: ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
  4: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
}
const BOUNDS = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const

/** True if a cron expression of five fields matches this wall time. Either kind of day is enough. */
export function matcher(text: string): (wall: number) => boolean {
  const fields = text.split(/ +/)
  const sets = fields.map((field, i) => setOf(field, i))
  const [minutes, hours, dates, months, days] = sets as [Set<number>, ...Set<number>[]]
  const [anyDate, anyDay] = [fields[2] === "*", fields[4] === "*"]
  return (wall) => {
    const at = new Date(wall)
    if (!minutes.has(at.getUTCMinutes()) || !hours?.has(at.getUTCHours())) return false
    if (!months?.has(at.getUTCMonth() + 1)) return false
    const isDate = dates?.has(at.getUTCDate()) ?? false
    const isDay = days?.has(at.getUTCDay()) ?? false
    if (anyDate) return isDay
    return anyDay ? isDate : isDate || isDay
  }
}

export function setOf(field: string, i: number): Set<number> {
  const [low, high] = BOUNDS[i] ?? [0, 0]
  const value = (word: string) => {
    const named = NAMES[i]?.indexOf(word.toLowerCase()) ?? -1
    return named >= 0 ? named : Number(word)
  }
  const found = new Set<number>()
  for (const item of field.split(",")) {
    const [range = "", step = "1"] = item.split("/")
    const [first = "", last = first] = range.split("-")
    const from = range === "*" ? low : value(first)
    // In a range of days of the week, Sunday as the end is 7. `*` is 0 to 6.
    const to =
      range === "*" ? (i === 4 ? 6 : high) : last.toLowerCase() === "sun" && first !== last ? 7 : value(last)
    for (let n = from; n <= to; n += Number(step)) found.add(i === 4 ? n % 7 : n)
  }
  return found
}

/** Returns the wall time of a zone at an instant, to the minute. */
export function clockOf(zone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  })
  return (at) => Date.parse(`${format.format(at).replace(" ", "T")}Z`)
}

/** A change of clocks at `at`: they show the wall time `after` instead of `before`. */
export interface Transition {
  zone: string
  at: number
  before: number
  after: number
}

/** All changes of a zone's clocks. Two changes within `stepMs`, milliseconds, may both be missed. */
export function transitionsOf(
  zone: string,
  { from, to, stepMs }: { from: number; to: number; stepMs: number },
): Transition[] {
  const clock = clockOf(zone)
  const offset = (at: number) => clock(at) - at
  const found: Transition[] = []
  for (let at = from; at < to; at += stepMs) {
    let [same, other] = [at, at + stepMs]
    const [before, after] = [offset(same), offset(other)]
    if (before === after) continue
    while (other - same > MINUTE) {
      const middle = same + Math.floor((other - same) / 2 / MINUTE) * MINUTE
      if (offset(middle) === before) same = middle
      else other = middle
    }
    found.push({ zone, at: other, before: other + before, after: other + after })
  }
  return found
}

/**
 * A wall time, and the instant at which it was shown; for a skipped wall time, the first instant after the
 * gap.
 */
export interface Minute {
  wall: number
  at: number
}

/**
 * All minutes that the clocks of a zone showed between two instants, in order, once each. Leaves out minutes
 * that were already shown in the `leadMs` before.
 */
export function minutesShown(
  zone: string,
  { from, to, leadMs }: { from: number; to: number; leadMs: number },
): Minute[] {
  const clock = clockOf(zone)
  const shown = new Set<number>()
  const minutes: Minute[] = []
  let last = clock(from - leadMs - MINUTE)
  for (let at = from - leadMs; at < to; at += MINUTE) {
    const now = clock(at)
    // Clocks that jumped ahead have also passed the minutes that they skipped.
    for (let wall = last < now ? last + MINUTE : now; wall <= now; wall += MINUTE) {
      if (shown.has(wall)) continue
      shown.add(wall)
      if (at >= from) minutes.push({ wall, at })
    }
    last = now
  }
  return minutes
}

/** `2026-11-30T08:00`. */
export function textOf(wall: number): string {
  return new Date(wall).toISOString().slice(0, 16)
}
