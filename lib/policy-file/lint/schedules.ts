import type { Policy, Schedule } from "../../decision/policy/policy.ts"
import { nextStarts, sayLocalTime } from "../../decision/schedule/schedule.ts"
import type { LintFinding } from "./finding.ts"

/** Twice the usual tick interval of five minutes. A shorter floor may end before a tick arrives. */
const SHORT_FLOOR_MS = 10 * 60_000

/**
 * Warns about schedules that start on other days than intended, are too short for a tick, or never buy.
 * Messages omit the next starts if `now` is `null`.
 */
export function lintSchedules({ schedules, timezone, ladder }: Policy, now: number | null): LintFinding[] {
  const smallest = ladder[0]?.servers ?? 0
  return schedules.flatMap((schedule, i): LintFinding[] => {
    const path = ["schedules", i]
    const found: LintFinding[] = []
    if (schedule.forMs < SHORT_FLOOR_MS) {
      const message = "is so short that no tick may run during it: ticks usually run every five minutes"
      found.push({ id: "short-floor", path: [...path, "for"], message })
    }
    if (schedule.cron.daysOfMonth && schedule.cron.daysOfWeek) {
      const message = `restricts days of the month and days of the week: a match of either is enough${sayNext(schedule, timezone, now)}`
      found.push({ id: "cron-both-days", path: [...path, "cron"], message })
    }
    if (schedule.atLeast <= smallest) {
      const message = `is no higher than the smallest rung (${smallest}): the schedule never buys`
      found.push({ id: "floor-always-met", path: [...path, "at_least"], message })
    }
    return found
  })
}

function sayNext(schedule: Schedule, timezone: string, now: number | null): string {
  if (now === null) return ""
  const starts = nextStarts(schedule, { timezone, now, count: 3 })
  return starts.length === 0
    ? ""
    : `. The next starts: ${starts.map(({ at }) => sayLocalTime(at, timezone)).join("; ")}`
}
