import { Cron } from "croner"

/** Gives the first instant of a cron expression after another one, epoch milliseconds; null: it never comes again. */
export type NextTime = (after: number) => number | null

/**
 * `minute hour day month weekday`, or `second` before them, in an IANA zone. A time that the clock skips in spring comes at
 * the first instant after the gap. Throws RangeError that says what is wrong.
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
    throw new RangeError(`is no cron expression: ${says}`, { cause: error })
  }
}
