import { keptTexts } from "../inputs/kept-texts.ts"
import type { CronFields } from "../policy/cron.ts"
import { comesOn, timesOfDay } from "../policy/cron-times.ts"
import type { Schedule } from "../policy/policy.ts"
import { firstInstantsAt, wallTime } from "./zone.ts"

// Starts of schedules, and active floors. A floor is active from its newest start, for the duration `for`;
// only time ends it. Days are counted by the calendar. The time zone is queried once per day, and only for
// days that have a start.

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** 29 February can be eight years away, around a turn of the century. */
const MAX_DAYS_AHEAD = 8 * 366 + 2

/** One start of a schedule. */
export interface Start {
  /**
   * Local date and time that the cron expression names, such as `2026-11-30T08:00`. Together with the
   * schedule's name it identifies the start.
   */
  occurrence: string
  /** Time of the start, epoch milliseconds. A start in the skipped DST hour runs right after it. */
  at: number
}

/** An active floor of a schedule. */
export interface ActiveFloor {
  schedule: string
  /** Servers. */
  atLeast: number
  mayBypassCooldown: boolean
  occurrence: string
  /** Epoch milliseconds; `until` is the first instant after the floor. */
  since: number
  until: number
}

/** The active floors, in the order of the schedules. */
export function activeFloors(schedules: readonly Schedule[], timezone: string, now: number): ActiveFloor[] {
  return schedules.flatMap((schedule): ActiveFloor[] => {
    const last = lastStart(schedule, timezone, now)
    if (!last) return []
    const { name, atLeast, cooldown, forMs } = schedule
    const { at: since, occurrence } = last
    const mayBypassCooldown = cooldown === "bypass"
    return [{ schedule: name, atLeast, mayBypassCooldown, occurrence, since, until: since + forMs }]
  })
}

/**
 * The newest start whose floor is still active; `null` if there is none. If two starts share one instant, the
 * one with the later local time counts.
 */
function lastStart({ cron, forMs }: Schedule, timezone: string, now: number): Start | null {
  // If clocks were just set back across midnight, starts of the next local date may already have passed.
  const newest = dayOf(wallTime(timezone, now)) + DAY_MS
  const oldest = dayOf(wallTime(timezone, now - forMs))
  for (let day = newest; day >= oldest; day -= DAY_MS) {
    const last = startsOn(day, cron, timezone).findLast(({ at }) => at <= now)
    if (last) return last.at > now - forMs ? named(last) : null
  }
  return null
}

/** The next start after `now`; `null` if there is none in the next eight years. */
export function nextStart({ cron }: Pick<Schedule, "cron">, timezone: string, now: number): Start | null {
  const today = dayOf(wallTime(timezone, now))
  for (let day = today; day <= today + MAX_DAYS_AHEAD * DAY_MS; day += DAY_MS) {
    const next = startsOn(day, cron, timezone).find(({ at }) => at > now)
    if (next) return named(next)
  }
  return null
}

/** The next `count` starts after `now`; fewer if one is more than eight years after the previous one. */
export function nextStarts(
  schedule: Pick<Schedule, "cron">,
  { timezone, now, count }: { timezone: string; now: number; count: number },
): Start[] {
  const starts: Start[] = []
  for (let from = now; starts.length < count; ) {
    const next = nextStart(schedule, timezone, from)
    if (!next) break
    starts.push(next)
    from = next.at
  }
  return starts
}

interface DayStart extends Start {
  /** Local time of the start, as `wallTime` returns it. */
  wall: number
}

/** Cached starts by local date. Safe, since cron fields do not change after they are read. */
interface KeptDays {
  timezone: string
  days: Map<number, readonly DayStart[]>
}

const MAX_DAYS_KEPT = 64
const keptDays = new WeakMap<CronFields, KeptDays>()

/** All starts of one local date, ordered by local time. `day`: local time of the date's midnight. */
export function startsOn(day: number, cron: CronFields, timezone: string): readonly DayStart[] {
  let kept = keptDays.get(cron)
  if (kept?.timezone !== timezone || kept.days.size >= MAX_DAYS_KEPT) {
    kept = { timezone, days: new Map() }
    keptDays.set(cron, kept)
  }
  const known = kept.days.get(day)
  if (known) return known
  const starts = makeStarts(day, cron, timezone)
  kept.days.set(day, starts)
  return starts
}

function makeStarts(day: number, cron: CronFields, timezone: string): DayStart[] {
  const date = new Date(day)
  const month = date.getUTCMonth() + 1
  if (!comesOn(cron, { month, dayOfMonth: date.getUTCDate(), dayOfWeek: date.getUTCDay() })) return []
  const walls = timesOfDay(cron).map((time) => day + time)
  const instants = firstInstantsAt(timezone, walls)
  return walls.map((wall, i) => ({ wall, at: instants[i] ?? wall, occurrence: occurrenceOf(wall) }))
}

function occurrenceOf(wall: number): string {
  return new Date(wall).toISOString().slice(0, "2026-11-30T08:00".length)
}

function named({ occurrence, at }: DayStart): Start {
  return { occurrence, at }
}

function dayOf(wall: number): number {
  return Math.floor(wall / DAY_MS) * DAY_MS
}

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]

/** `2026-11-30T08:00` -> `Mon 2026-11-30 08:00`. */
function sayOccurrence(occurrence: string): string {
  return `${WEEKDAYS[new Date(`${occurrence}Z`).getUTCDay()]} ${occurrence.replace("T", " ")}`
}

/**
 * Start as text, with local time, offset, zone and UTC: `Mon 2026-11-30 08:00 +08:00 Asia/Shanghai
 * (2026-11-30T00:00:00Z)`. The offset and UTC reveal a mistaken zone.
 */
export function sayLocalTime(at: number, timezone: string): string {
  const known = localTimes.get(timezone)
  if (known) return known(at)
  const say = keptTexts((one) => makeLocalTime(one, timezone))
  if (localTimes.size >= MAX_ZONES) localTimes.clear()
  localTimes.set(timezone, say)
  return say(at)
}

const MAX_ZONES = 50
const localTimes = new Map<string, (at: number) => string>()

function makeLocalTime(at: number, timezone: string): string {
  const minute = Math.floor(at / MINUTE_MS) * MINUTE_MS
  const wall = wallTime(timezone, minute)
  const local = sayOccurrence(occurrenceOf(wall))
  const utc = new Date(minute).toISOString().replace(/\.\d{3}Z$/, "Z")
  return `${local} ${sayOffset(wall - minute)} ${timezone} (${utc})`
}

/** Any instant as text, with local time and offset: `2026-11-28 18:00:05 +08:00`. */
export function sayInstant(at: number, timezone: string): string {
  const second = Math.floor(at / 1_000) * 1_000
  if (Number.isNaN(new Date(second).getTime())) return "an unreadable time"
  const wall = wallTime(timezone, second)
  const local = new Date(wall).toISOString().slice(0, "2026-11-28T18:00:05".length).replace("T", " ")
  return `${local} ${sayOffset(wall - second)}`
}

/** `+08:00`; with seconds if a historic offset has them. */
function sayOffset(offsetMs: number): string {
  const seconds = Math.round(Math.abs(offsetMs) / 1_000)
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
  const [hours = "", minutes = "", rest = ""] = parts.map((part) => String(part).padStart(2, "0"))
  return `${offsetMs < 0 ? "-" : "+"}${hours}:${minutes}${rest === "00" ? "" : `:${rest}`}`
}
