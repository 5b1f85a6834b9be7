import type { CronFields } from "../../lib/decision/policy/cron.ts"
import { startsOn } from "../../lib/decision/schedule/schedule.ts"
import { readCron } from "../../lib/policy-file/cron.ts"
import {
  DAY,
  HOUR,
  MINUTE,
  type Minute,
  matcher,
  minutesShown,
  type Transition,
  textOf,
  transitionsOf,
} from "./reference.ts"

// Compares our starts with those of a walk minute by minute, for several cron expressions at every change of
// clocks.

const FROM = Date.UTC(2024, 0, 1)
const TO = Date.UTC(2038, 0, 1)

export interface Zones {
  /** Number of zones of this runtime. */
  zones: number
  /** The changes of all zones. */
  all: Transition[]
  /** The changes of one zone for each distinct history. */
  distinct: Transition[]
}

/** `stepMs` must not exceed the shortest time between changes: four weeks, around Ramadan in Morocco. */
export function everyTransition(stepMs = 20 * DAY): Zones {
  const zones = Intl.supportedValuesOf("timeZone")
  const histories = new Map<string, Transition[]>()
  const all = zones.flatMap((zone) => {
    const transitions = transitionsOf(zone, { from: FROM, to: TO, stepMs })
    const history = JSON.stringify(transitions.map(({ at, before, after }) => [at, before, after]))
    if (!histories.has(history)) histories.set(history, transitions)
    return transitions
  })
  return { zones: zones.length, all, distinct: [...histories.values()].flat() }
}

/** Index of the expression in `shapesAt` that is only a time of day. */
export const FIXED_TIME = 8

/** Common expressions, and some whose starts this change affects. */
export function shapesAt({ before, after }: Transition): string[] {
  const [least, most] = [Math.min(before, after), Math.max(before, after)]
  const [first, last] = [new Date(least), new Date(most)]
  // In the middle of the skipped or repeated time.
  const inside = new Date(least + Math.floor((most - least) / 2 / MINUTE) * MINUTE)
  const time = `${inside.getUTCMinutes()} ${inside.getUTCHours()}`
  const [date, month, day] = [inside.getUTCDate(), inside.getUTCMonth() + 1, inside.getUTCDay()]
  return [
    "* * * * *",
    "*/15 * * * *",
    "7-59/13 */2 * * *",
    "0 * * * *",
    "0 0 * * *",
    "59 23 * * *",
    "0 8 * * 1-5",
    "0 0 1 * *",
    `${time} * * *`,
    `${time} * * ${day}`,
    `${time} ${date} ${month} *`,
    `${time} ${date} * ${(day + 3) % 7}`,
    `${time} 31 ${month} ${day}`,
    `${last.getUTCMinutes()},${first.getUTCMinutes()} ${first.getUTCHours()},${last.getUTCHours()} * * *`,
  ]
}

export interface Difference {
  zone: string
  text: string
  occurrence: string
  says: "lost" | "doubled" | "at another instant" | "not expected"
}

/** Time before and after a change that is compared, milliseconds. */
export interface Around {
  beforeMs: number
  afterMs: number
}

/** No change skips or repeats more than two hours. */
export const CLOSE: Around = { beforeMs: HOUR, afterMs: 2.5 * HOUR }
/** The walk starts this much earlier, so that it knows which minutes the clocks repeat. */
export const LEAD_MS = 1.5 * HOUR

/** Compares our starts around one change of the clocks with those of the walk. */
export function compareAt(
  transition: Transition,
  { beforeMs, afterMs }: Around,
): { starts: number; differences: Difference[] } {
  const { zone, at } = transition
  const window = { from: at - beforeMs, to: at + afterMs }
  const minutes = minutesShown(zone, { ...window, leadMs: LEAD_MS })
  let starts = 0
  const differences = shapesAt(transition).flatMap((text) => {
    const matches = matcher(text)
    const expected = minutes.filter(({ wall }) => matches(wall))
    starts += expected.length
    return differencesOf(expected, ourStarts(zone, text, window)).map((found) => ({ zone, text, ...found }))
  })
  return { starts, differences }
}

const read = new Map<string, CronFields>()

export function fieldsOf(text: string): CronFields {
  const known = read.get(text)
  if (known) return known
  const cron = readCron(text)
  if ("problem" in cron) throw new Error(`${text}: ${cron.problem}`)
  read.set(text, cron)
  return cron
}

function ourStarts(zone: string, text: string, { from, to }: { from: number; to: number }): Minute[] {
  const cron = fieldsOf(text)
  const starts: Minute[] = []
  for (let day = Math.floor((from - 12 * HOUR) / DAY) * DAY; day <= to + 14 * HOUR; day += DAY)
    starts.push(...startsOn(day, cron, zone).filter(({ at }) => at >= from && at < to))
  return starts
}

function differencesOf(
  expected: readonly Minute[],
  ours: readonly Minute[],
): Pick<Difference, "occurrence" | "says">[] {
  const instants = new Map<number, number[]>()
  for (const { wall, at } of ours) instants.set(wall, [...(instants.get(wall) ?? []), at])
  const found = expected.flatMap(({ wall, at }) => {
    const says = verdictOn(at, instants.get(wall) ?? [])
    instants.delete(wall)
    return says ? [{ occurrence: textOf(wall), says }] : []
  })
  const others = [...instants.keys()].map((wall) => ({
    occurrence: textOf(wall),
    says: "not expected" as const,
  }))
  return [...found, ...others]
}

function verdictOn(at: number, [first, ...more]: number[]): Difference["says"] | null {
  if (first === undefined) return "lost"
  if (more.length > 0) return "doubled"
  return first === at ? null : "at another instant"
}
