import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { readCron } from "../../lib/policy-file/cron.ts"
import { setOf } from "../schedules/reference.ts"
import { good, load, problemsOf } from "./policy-files.ts"

const LIMITS = "limits: { actions: 2 per 24h, servers: 48 }"
const floor = (cron: string) => `schedules: [ { name: day, cron: "${cron}", for: 1h, at_least: 2 } ]`
const withFloor = (cron: string) => good([LIMITS, `${LIMITS}\n    ${floor(cron)}`])

const ALLOWED =
  'must be a cron expression of 5 fields (minute, hour, day of month, month, day of week) such as "0 8 * * 1-5", of numbers, *, ranges 1-5, lists 1,3, steps */15 or 1-5/2 and names such as jan or mon; seconds, years, @daily, L, W, # and ? are not supported'

describe("cron of a schedule", () => {
  it("each field of a policy's cron expression is read as its numbers, and a plain * as no restriction", async () => {
    const [loaded] = (await load(withFloor("*/20 8,20 * jan-MAR sat,sun"))).supernodes
    expect(loaded?.policy.schedules[0]?.cron).toEqual({
      text: "*/20 8,20 * jan-MAR sat,sun",
      minutes: [0, 20, 40],
      hours: [8, 20],
      daysOfMonth: null,
      months: [1, 2, 3],
      daysOfWeek: [0, 6],
    })
  })

  it.each<[string, number[]]>([
    ["7", [0]],
    ["0-7", [0, 1, 2, 3, 4, 5, 6]],
    ["5-7", [0, 5, 6]],
    ["fri-sun", [0, 5, 6]],
    ["*/2", [0, 2, 4, 6]],
  ])("a schedule's cron expression may have %s as its day of week", (days, numbers) => {
    expect(readCron(`0 8 * * ${days}`)).toMatchObject({ daysOfWeek: numbers })
  })

  it.each<[string, string, string]>([
    ["seconds", "0 0 8 * * *", ALLOWED],
    ["a year", "0 8 * * 1 2026", ALLOWED],
    ["four fields", "0 8 * *", ALLOWED],
    ["a nickname", "@daily", ALLOWED],
    ["the last day of the month", "0 8 L * *", ALLOWED],
    ["the nearest weekday", "0 8 15W * *", ALLOWED],
    ["the second Monday", "0 8 * * 1#2", ALLOWED],
    ["the last Friday", "0 8 * * friL", ALLOWED],
    ["a question mark", "0 8 ? * 1", ALLOWED],
    ["both kinds of day at once", "0 8 1 * +1", ALLOWED],
    ["a whole name", "0 8 * * monday", ALLOWED],
    ["a day's name as a month", "0 8 * mon *", ALLOWED],
    ["a negative number", "-5 8 * * *", 'must have a valid minute, not "-5"'],
    ["an hour above 23", "0 24 * * *", 'must have 0 to 23 as its hour, not "24"'],
    ["a day of the month below 1", "0 8 0 * *", 'must have 1 to 31 as its day of month, not "0"'],
    ["a month above 12", "0 8 * 1,13 *", 'must have 1 to 12 as its month, not "1,13"'],
    ["a day of the week above 7", "0 8 * * 1-8", 'must have 0 to 7 as its day of week, not "1-8"'],
    ["a range in reverse order", "0 20-4 * * *", 'must have a valid hour, not "20-4"'],
    ["a step from a number", "5/15 * * * *", 'must have a valid minute, not "5/15"'],
    ["a step of zero", "*/0 * * * *", 'must have a valid minute, not "*/0"'],
    ["an empty item", "1,,2 * * * *", 'must have a valid minute, not "1,,2"'],
    ["names that run together", "0 8 * janfeb *", 'must have a valid month, not "janfeb"'],
    [
      "a day that none of its months has",
      "0 8 30 2 *",
      'never occurs: no month in "0 8 30 2 *" has such a day',
    ],
    ["a 31st only in short months", "0 8 31 4,6,9,11 *", "never occurs"],
    [
      "a stepped * beside a day of week",
      "0 8 */2 * 1",
      'must not combine "*/2" with another restriction of days',
    ],
    [
      "a stepped * beside a day of month",
      "0 8 1 * */2",
      'must not combine "*/2" with another restriction of days',
    ],
  ])("a schedule's cron expression is refused if it has %s", async (_, cron, message) => {
    const [problem, ...others] = await problemsOf(withFloor(cron))
    expect(problem).toContain(`policy.yaml:19:37: supernodes.0.schedules.0.cron: ${message}`)
    expect(others).toEqual([])
  })

  it.each(["0 8 29 2 *", "0 8 30 2 1", "0 8 31 4,5 *", "0 8 */2 * *", "0 8 * * */2"])(
    "a schedule's cron expression %s is accepted",
    (cron) => {
      expect(readCron(cron)).not.toHaveProperty("problem")
    },
  )

  it("a cron expression in defaults is checked even if every supernode overrides it", async () => {
    const yaml = good(
      ["supernodes:\n", `defaults: { ${floor("0 25 * * *")} }\nsupernodes:\n`],
      [LIMITS, `${LIMITS}\n    schedules: []`],
    )
    expect(await problemsOf(yaml)).toEqual([
      'policy.yaml:2:45: defaults.schedules.0.cron: must have 0 to 23 as its hour, not "25"',
    ])
  })

  const BOUNDS = [
    [0, 59],
    [0, 23],
    [1, 31],
    [1, 12],
    [0, 6],
  ] as const
  const fieldOf = ([least, most]: readonly [number, number]) => {
    const number = fc.integer({ min: least, max: most })
    const range = fc.tuple(number, number).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`)
    const step = fc.integer({ min: 1, max: most })
    const item = fc.oneof(
      number.map(String),
      range,
      fc.tuple(range, step).map(([text, by]) => `${text}/${by}`),
      step.map((by) => `*/${by}`),
    )
    return fc.oneof(
      fc.constant("*"),
      fc.array(item, { minLength: 1, maxLength: 4 }).map((items) => items.join(",")),
    )
  }

  it("the policy reads random cron expressions as a second, short implementation in the test reads them", () => {
    fc.assert(
      fc.property(fc.tuple(...BOUNDS.map(fieldOf)), (fields) => {
        const cron = readCron(fields.join(" "))
        if ("problem" in cron) {
          expect(cron.problem).toMatch(/^(never occurs|must not combine)/)
          return
        }
        const sets = [cron.minutes, cron.hours, cron.daysOfMonth, cron.months, cron.daysOfWeek]
        const plain = fields.map((field, i) => [...setOf(field, i)].sort((a, b) => a - b))
        expect(sets.map((set, i) => set ?? plain[i])).toEqual(plain)
        expect([cron.daysOfMonth === null, cron.daysOfWeek === null]).toEqual([
          fields[2] === "*",
          fields[4] === "*",
        ])
      }),
      { numRuns: Number(process.env["SCHEDULE_CASES"] ?? 300) },
    )
  })
})
