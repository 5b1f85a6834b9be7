import * as z from "zod"
import { onFirstUse } from "../../on-first-use.ts"
import { text } from "./text-shape.ts"
import { whole } from "./units.ts"

// A cron expression of five fields. lib/policy-file parses it with a library; here its fields are lists of
// numbers.

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

/** Pattern of a field; without flags, since a pattern in JSON Schema has none. */
function fieldWith(names: readonly string[]): string {
  const eitherCase = (name: string) =>
    name.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`)
  return `(?:[0-9*,/-]${names.map((name) => `|${eitherCase(name)}`).join("")})+`
}

const ANY = fieldWith([])

/** Five fields, checked by their characters alone. */
export const CRON_TEXT = new RegExp(`^${[ANY, ANY, ANY, fieldWith(MONTHS), fieldWith(DAYS)].join(" +")}$`)

/**
 * `cron` as the policy file writes it. Keywords are not allowed if cron implementations interpret them
 * differently, or if few support them.
 */
export const writtenCron = onFirstUse(() =>
  text(
    CRON_TEXT,
    'must be a cron expression of 5 fields (minute, hour, day of month, month, day of week) such as "0 8 * * 1-5", of numbers, *, ranges 1-5, lists 1,3, steps */15 or 1-5/2 and names such as jan or mon; seconds, years, @daily, L, W, # and ? are not supported',
  ),
)

/** A parsed cron expression. Numbers are in ascending order; days are `null` if every day matches (`*`). */
export const cronFields = onFirstUse(() =>
  z.strictObject({
    /** The expression as written. */
    text: z.string(),
    minutes: z.array(whole(0, 59)).min(1),
    hours: z.array(whole(0, 23)).min(1),
    daysOfMonth: z.array(whole(1, 31)).min(1).nullable(),
    /** 1 is January. */
    months: z.array(whole(1, 12)).min(1),
    /** 0 is Sunday. */
    daysOfWeek: z.array(whole(0, 6)).min(1).nullable(),
  }),
)

export type CronFields = z.output<ReturnType<typeof cronFields>>
