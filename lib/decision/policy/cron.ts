import * as z from "zod"
import { text, whole } from "./units.ts"

// A cron expression of five fields. Reading it is the policy room's work, with a library; here it is plain sets of numbers.

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

/** A field's text; without flags, since a JSON Schema's pattern has none. */
function fieldWith(names: readonly string[]): string {
  const eitherCase = (name: string) =>
    name.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`)
  return `(?:[0-9*,/-]${names.map((name) => `|${eitherCase(name)}`).join("")})+`
}

const ANY = fieldWith([])

/** Five fields, by their characters alone. */
export const CRON_TEXT = new RegExp(`^${[ANY, ANY, ANY, fieldWith(MONTHS), fieldWith(DAYS)].join(" +")}$`)

/** `cron` as the policy file writes it. Words that crons read differently, and what few of them know, are no part of it. */
export const writtenCron = text(
  CRON_TEXT,
  'must be a cron expression of 5 fields (minute, hour, day of month, month, day of week) such as "0 8 * * 1-5", of numbers, *, ranges 1-5, lists 1,3, steps */15 or 1-5/2 and names such as jan or mon; it knows no seconds, years, @daily, L, W, # or ?',
)

/** What a cron expression stands for. The numbers ascend; days are null where any day will do (`*`). */
export const cronFields = z.strictObject({
  /** As it is written. */
  text: z.string(),
  minutes: z.array(whole(0, 59)).min(1),
  hours: z.array(whole(0, 23)).min(1),
  daysOfMonth: z.array(whole(1, 31)).min(1).nullable(),
  /** 1 is January. */
  months: z.array(whole(1, 12)).min(1),
  /** 0 is Sunday. */
  daysOfWeek: z.array(whole(0, 6)).min(1).nullable(),
})

export type CronFields = z.output<typeof cronFields>

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** Is a date one of its days? Where day of month and day of week are both restricted, one of the two is enough. */
export function comesOn(
  cron: CronFields,
  { month, dayOfMonth, dayOfWeek }: { month: number; dayOfMonth: number; dayOfWeek: number },
): boolean {
  if (!cron.months.includes(month)) return false
  const wanted = [cron.daysOfMonth?.includes(dayOfMonth), cron.daysOfWeek?.includes(dayOfWeek)]
  return wanted.includes(true) || wanted.every((one) => one === undefined)
}

/** Its times of day, in milliseconds since the day began by the clock, in their order. */
export function timesOfDay({ hours, minutes }: CronFields): number[] {
  return hours.flatMap((hour) => minutes.map((minute) => hour * HOUR_MS + minute * MINUTE_MS))
}
