import * as z from "zod"

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

/** The five fields of a cron expression in their order. Day 7 is Sunday, too. */
const FIELDS = [
  { name: "minute", min: 0, max: 59, names: [] },
  { name: "hour", min: 0, max: 23, names: [] },
  { name: "day of month", min: 1, max: 31, names: [] },
  { name: "month", min: 1, max: 12, names: MONTHS },
  { name: "day of week", min: 0, max: 7, names: DAYS },
] as const

type Field = (typeof FIELDS)[number]

/** What is wrong with a cron expression of five fields (`*`, numbers, names, ranges, lists, steps); null if nothing. */
export function cronProblem(expression: string): string | null {
  const parts = expression.trim().split(/\s+/)
  if (parts.length !== FIELDS.length) return 'must be a cron expression of 5 fields, such as "0 8 * * 1-5"'
  for (const [i, field] of FIELDS.entries()) {
    if (!(parts[i] ?? "").split(",").every((item) => itemIsValid(item, field))) {
      return `must have ${field.min} to ${field.max} as its ${field.name}, not "${parts[i]}"`
    }
  }
  return null
}

function itemIsValid(item: string, field: Field): boolean {
  const match = /^(?:\*|([0-9a-z]+)(?:-([0-9a-z]+))?)(?:\/([1-9]\d?))?$/i.exec(item)
  if (!match) return false
  const [, first, last] = match
  if (first === undefined) return true
  const from = numberOf(first, field)
  const to = last === undefined ? from : numberOf(last, field)
  return from >= field.min && to <= field.max && from <= to
}

function numberOf(text: string, field: Field): number {
  if (/^\d{1,2}$/.test(text)) return Number(text)
  const index = (field.names as readonly string[]).indexOf(text.toLowerCase())
  return index < 0 ? Number.NaN : index + field.min
}

/** `cron` of a schedule. */
export const cron = z.string({ error: "must be a cron expression" }).superRefine((expression, ctx) => {
  const message = cronProblem(expression)
  if (message !== null) ctx.addIssue({ code: "custom", message })
})
