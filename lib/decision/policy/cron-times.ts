import type { CronFields } from "./cron.ts"

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** True if a date matches. If day of month and day of week are both restricted, one match is enough. */
export function comesOn(
  cron: CronFields,
  { month, dayOfMonth, dayOfWeek }: { month: number; dayOfMonth: number; dayOfWeek: number },
): boolean {
  if (!cron.months.includes(month)) return false
  const matches = [cron.daysOfMonth?.includes(dayOfMonth), cron.daysOfWeek?.includes(dayOfWeek)]
  return matches.includes(true) || matches.every((one) => one === undefined)
}

/** Times of day at which the expression fires, in order; local milliseconds since midnight. */
export function timesOfDay({ hours, minutes }: CronFields): number[] {
  return hours.flatMap((hour) => minutes.map((minute) => hour * HOUR_MS + minute * MINUTE_MS))
}
