import type { CronFields } from "./cron.ts"

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** True if a date is one of its days. If day of month and day of week are both restricted, either is enough. */
export function comesOn(
  cron: CronFields,
  { month, dayOfMonth, dayOfWeek }: { month: number; dayOfMonth: number; dayOfWeek: number },
): boolean {
  if (!cron.months.includes(month)) return false
  const wanted = [cron.daysOfMonth?.includes(dayOfMonth), cron.daysOfWeek?.includes(dayOfWeek)]
  return wanted.includes(true) || wanted.every((one) => one === undefined)
}

/** Its times of day in order, milliseconds of the local clock since the day began. */
export function timesOfDay({ hours, minutes }: CronFields): number[] {
  return hours.flatMap((hour) => minutes.map((minute) => hour * HOUR_MS + minute * MINUTE_MS))
}
