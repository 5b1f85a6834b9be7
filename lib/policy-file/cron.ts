import { CronPattern } from "croner"
import { type CronFields, writtenCron } from "../decision/policy/cron.ts"

// Parses `cron` of schedules with a library. The schema refuses syntax that only the library knows.

const FIELDS = [
  { name: "minute", from: 0, to: 59 },
  { name: "hour", from: 0, to: 23 },
  { name: "day of month", from: 1, to: 31 },
  { name: "month", from: 1, to: 12 },
  { name: "day of week", from: 0, to: 7 },
] as const

/** Lengths of the months in a leap year. */
const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const

/** Meaning of a cron expression, or its problems. */
export function readCron(text: string): CronFields | { problem: string } {
  const shape = writtenCron().safeParse(text)
  if (!shape.success) return { problem: shape.error.issues[0]?.message ?? "must be a cron expression" }
  const fields = text.split(/ +/)
  const sets = setsOf(text)
  const problem = sets === null ? fields.map(fieldProblem).find((found) => found !== null) : ambiguity(fields)
  if (sets === null || problem) return { problem: problem ?? "must be a valid cron expression" }
  return everOccurs(sets)
    ? sets
    : { problem: `never occurs: no month in ${JSON.stringify(text)} has such a day` }
}

/** Problem of one field, checked by itself so that the message can name it; `null` if the field is valid. */
function fieldProblem(field: string, i: number): string | null {
  const { name, from, to } = FIELDS[i] ?? FIELDS[0]
  const error = patternOf(FIELDS.map((_, at) => (at === i ? field : "*")).join(" "))
  if (!(error instanceof Error)) return null
  const text = JSON.stringify(field)
  if (error instanceof RangeError) return `must have ${from} to ${to} as its ${name}, not ${text}`
  const why = error.message.replace(/^CronPattern: (Syntax error, )?/, "").replace(/\.$/, "")
  return `must have a valid ${name}, not ${text}: ${why}`
}

function patternOf(text: string): CronPattern | Error {
  try {
    return new CronPattern(text, undefined, { mode: "5-part" })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/**
 * Problem of a stepped `*` beside another restriction of days; `null` if there is none. A date matches if
 * either field for days matches. Cron implementations disagree whether a stepped `*` restricts days, so such
 * a schedule could buy on unintended days.
 */
function ambiguity([, , dayOfMonth = "*", , dayOfWeek = "*"]: string[]): string | null {
  if (dayOfMonth === "*" || dayOfWeek === "*") return null
  const stepped = [dayOfMonth, dayOfWeek].find((field) => field.includes("*"))
  if (stepped === undefined) return null
  return `must not combine ${JSON.stringify(stepped)} with another restriction of days: cron implementations disagree on its meaning. Write the range: 1-31/2 or 0-6/2`
}

/** Parsed fields; `null` if the library refuses the expression. */
function setsOf(text: string): CronFields | null {
  const pattern = patternOf(text)
  if (pattern instanceof Error) return null
  const { minute, hour, day, month, dayOfWeek, starDOM, starDOW } = pattern
  return {
    text,
    minutes: chosen(minute),
    hours: chosen(hour),
    daysOfMonth: starDOM ? null : chosen(day, 1),
    months: chosen(month, 1),
    // The library may set an eighth position for 7, which is Sunday like 0.
    daysOfWeek: starDOW ? null : chosen(dayOfWeek.slice(0, 7)),
  }
}

function chosen(flags: readonly number[], first = 0): number[] {
  return flags.flatMap((flag, i) => (flag > 0 ? [i + first] : []))
}

function everOccurs({ daysOfMonth, daysOfWeek, months }: CronFields): boolean {
  if (daysOfMonth === null || daysOfWeek !== null) return true
  return months.some((month) => Math.min(...daysOfMonth) <= (DAYS_IN_MONTH[month - 1] ?? 0))
}
