import { Cron } from "croner"

/** First instant of a cron expression after `after`, in epoch milliseconds; `null` if there is none. */
export type NextTime = (after: number) => number | null

/**
 * Parses `minute hour day month weekday`, optionally with `second` before them, in an IANA time zone. A time
 * in the skipped DST hour comes right after that hour. Throws a RangeError that names the problem.
 */
export function nextTimeOf(expression: string, timezone: string): NextTime {
  const cron = cronOf(expression, timezone)
  return (after) => cron.nextRun(new Date(after))?.getTime() ?? null
}

function cronOf(expression: string, timezone: string): Cron {
  const parts = expression.trim().split(/\s+/).length
  if (parts !== 5 && parts !== 6)
    throw new RangeError(
      'must be a cron expression of 5 fields, or 6 with seconds first, such as "*/5 * * * *"',
    )
  try {
    return new Cron(expression.trim(), { timezone, paused: true, mode: "5-or-6-parts" })
  } catch (error) {
    const says = error instanceof Error ? error.message.replace(/^CronPattern: /, "") : String(error)
    throw new RangeError(`is not a valid cron expression: ${says}`, { cause: error })
  }
}
