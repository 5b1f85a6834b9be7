import { describe, expect, it } from "vitest"
import { activeFloors, nextStart } from "../../../lib/decision/schedule/schedule.ts"
import { HOUR, policyOf, scheduleInput } from "../builders.ts"

const at = (text: string) => Date.parse(text)
const schedulesOf = (...inputs: Parameters<typeof scheduleInput>[0][]) =>
  policyOf({ schedules: inputs.map((input) => scheduleInput(input)) }).schedules

function active(cron: string, duration: string, timezone: string, now: string): string | null {
  const [floor] = activeFloors(schedulesOf({ cron, for: duration }), timezone, at(now))
  return floor ? `${floor.occurrence} since ${new Date(floor.since).toISOString().slice(0, 16)}Z` : null
}

function next(cron: string, timezone: string, now: string): string | null {
  const [schedule] = schedulesOf({ cron })
  const start = schedule ? nextStart(schedule, timezone, at(now)) : null
  return start && `${start.occurrence} at ${new Date(start.at).toISOString().slice(0, 16)}Z`
}

describe("an active schedule", () => {
  it.each<[string, string, string | null]>([
    ["not a millisecond before its start", "2026-11-30T07:59:59.999Z", null],
    ["from its start on", "2026-11-30T08:00:00Z", "2026-11-30T08:00 since 2026-11-30T08:00Z"],
    ["to the last millisecond", "2026-11-30T17:59:59.999Z", "2026-11-30T08:00 since 2026-11-30T08:00Z"],
    ["and no longer", "2026-11-30T18:00:00Z", null],
    ["not over the weekend", "2026-11-28T09:00:00Z", null],
    ["not late on Friday, whatever Monday will bring", "2026-11-27T18:00:01Z", null],
  ])("is active: %s", (_, now, floor) => {
    expect(active("0 8 * * 1-5", "10h", "UTC", now)).toBe(floor)
  })

  it.each<[string, string, string, string, string, string | null]>([
    [
      "by the policy's zone",
      "0 8 * * *",
      "1h",
      "Asia/Shanghai",
      "2026-11-30T00:30:00Z",
      "2026-11-30T08:00 since 2026-11-30T00:00Z",
    ],
    [
      "by a zone of 45 minutes",
      "0 8 * * *",
      "1h",
      "Asia/Kathmandu",
      "2026-11-30T02:15:00Z",
      "2026-11-30T08:00 since 2026-11-30T02:15Z",
    ],
    [
      "over midnight",
      "0 22 * * *",
      "8h",
      "UTC",
      "2026-12-01T05:59:00Z",
      "2026-11-30T22:00 since 2026-11-30T22:00Z",
    ],
    [
      "for weeks",
      "0 0 1 * *",
      "20d",
      "UTC",
      "2026-11-20T12:00:00Z",
      "2026-11-01T00:00 since 2026-11-01T00:00Z",
    ],
    [
      "for a year",
      "0 0 1 1 *",
      "366d",
      "UTC",
      "2026-12-31T23:59:00Z",
      "2026-01-01T00:00 since 2026-01-01T00:00Z",
    ],
    [
      "anew at each start, while an older one would last",
      "0 * * * *",
      "10h",
      "UTC",
      "2026-11-30T09:01:00Z",
      "2026-11-30T09:00 since 2026-11-30T09:00Z",
    ],
    [
      "on a day of the month or of the week where both are named: the 1st",
      "0 8 1 * 1",
      "1h",
      "UTC",
      "2026-12-01T08:00:00Z",
      "2026-12-01T08:00 since 2026-12-01T08:00Z",
    ],
    [
      "on a day of the month or of the week where both are named: Monday",
      "0 8 1 * 1",
      "1h",
      "UTC",
      "2026-12-07T08:00:00Z",
      "2026-12-07T08:00 since 2026-12-07T08:00Z",
    ],
    ["on no other day than those", "0 8 1 * 1", "1h", "UTC", "2026-12-08T08:00:00Z", null],
    [
      "not from a start that another zone's clocks have had",
      "0 8 * * *",
      "1h",
      "America/New_York",
      "2026-11-30T08:00:00Z",
      null,
    ],
  ])("is active: %s", (_, cron, duration, timezone, now, floor) => {
    expect(active(cron, duration, timezone, now)).toBe(floor)
  })

  it("is active for elapsed time, even if clocks are set meanwhile", () => {
    const berlin = (now: string) => active("0 0 * * *", "4h", "Europe/Berlin", now)
    // 29 March 2026: 2:00 became 3:00. 25 October 2026: 3:00 became 2:00.
    expect(berlin("2026-03-29T02:59:59Z")).toBe("2026-03-29T00:00 since 2026-03-28T23:00Z")
    expect(berlin("2026-03-29T03:00:00Z")).toBeNull()
    expect(berlin("2026-10-25T01:59:59Z")).toBe("2026-10-25T00:00 since 2026-10-24T22:00Z")
    expect(berlin("2026-10-25T02:00:00Z")).toBeNull()
  })

  it("has its own floor, in the order of the policy", () => {
    const schedules = schedulesOf(
      { name: "always", cron: "0 0 * * *", for: "24h", at_least: 1 },
      { name: "never-now", cron: "0 9 * * *", for: "1h" },
      { name: "day", cooldown: "bypass", at_least: 3 },
    )
    const now = at("2026-11-30T08:00:00Z")
    expect(activeFloors(schedules, "UTC", now)).toEqual([
      {
        schedule: "always",
        atLeast: 1,
        mayBypassCooldown: false,
        occurrence: "2026-11-30T00:00",
        since: now - 8 * HOUR,
        until: now + 16 * HOUR,
      },
      {
        schedule: "day",
        atLeast: 3,
        mayBypassCooldown: true,
        occurrence: "2026-11-30T08:00",
        since: now,
        until: now + 10 * HOUR,
      },
    ])
    expect(activeFloors([], "UTC", now)).toEqual([])
  })
})

describe("a start in the skipped DST hour", () => {
  it.each<[string, string, string, string, string | null]>([
    ["not before", "30 2 * * *", "Europe/Berlin", "2026-03-29T00:59:59.999Z", null],
    [
      "and then",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-03-29T01:00:00Z",
      "2026-03-29T02:30 since 2026-03-29T01:00Z",
    ],
    [
      "of two left out the later counts, which has the same instant",
      "15,45 2 * * *",
      "Europe/Berlin",
      "2026-03-29T01:00:00Z",
      "2026-03-29T02:45 since 2026-03-29T01:00Z",
    ],
    [
      "half an hour on Lord Howe Island",
      "15 2 * * *",
      "Australia/Lord_Howe",
      "2026-10-03T15:30:00Z",
      "2026-10-04T02:15 since 2026-10-03T15:30Z",
    ],
    [
      "two hours at Troll",
      "30 2 * * *",
      "Antarctica/Troll",
      "2026-03-29T01:00:00Z",
      "2026-03-29T02:30 since 2026-03-29T01:00Z",
    ],
    [
      "midnight in Beirut",
      "0 0 * * *",
      "Asia/Beirut",
      "2026-03-28T22:00:00Z",
      "2026-03-29T00:00 since 2026-03-28T22:00Z",
    ],
    [
      "the evening in Nuuk",
      "30 23 * * *",
      "America/Godthab",
      "2026-03-29T01:00:00Z",
      "2026-03-28T23:30 since 2026-03-29T01:00Z",
    ],
    [
      "after Ramadan in Morocco",
      "30 2 * * *",
      "Africa/Casablanca",
      "2026-03-22T02:00:00Z",
      "2026-03-22T02:30 since 2026-03-22T02:00Z",
    ],
    [
      "a whole day in Samoa, long ago",
      "0 8 30 12 *",
      "Pacific/Apia",
      "2011-12-30T10:00:00Z",
      "2011-12-30T08:00 since 2011-12-30T10:00Z",
    ],
  ])("runs right after the skipped hour: %s", (_, cron, timezone, now, floor) => {
    expect(active(cron, "1h", timezone, now)).toBe(floor)
  })
})

describe("a start in the repeated DST hour", () => {
  it.each<[string, string, string, string, string | null]>([
    [
      "then",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-10-25T00:30:00Z",
      "2026-10-25T02:30 since 2026-10-25T00:30Z",
    ],
    ["not again", "30 2 * * *", "Europe/Berlin", "2026-10-25T01:30:00Z", null],
    [
      "nor at every quarter of it",
      "*/15 2 * * *",
      "Europe/Berlin",
      "2026-10-25T01:29:59Z",
      "2026-10-25T02:45 since 2026-10-25T00:45Z",
    ],
    [
      "half an hour on Lord Howe Island",
      "45 1 * * *",
      "Australia/Lord_Howe",
      "2026-04-04T15:14:00Z",
      "2026-04-05T01:45 since 2026-04-04T14:45Z",
    ],
    [
      "over midnight in Santiago: a date that has begun has begun",
      "30 23 * * *",
      "America/Santiago",
      "2026-04-05T03:30:00Z",
      null,
    ],
  ])("runs once, at the first pass: %s", (_, cron, timezone, now, floor) => {
    expect(active(cron, "45m", timezone, now)).toBe(floor)
  })

  it("runs once over midnight: a date that has begun has begun, even if the previous day is shown again", () => {
    // St John's, 7 November 2010: at 00:01 it became 23:01 of the day before.
    const midnight = (now: string) => active("0 0 * * *", "2h", "America/St_Johns", now)
    const expected = "2010-11-07T00:00 since 2010-11-07T02:30Z"
    expect(midnight("2010-11-07T02:29:59Z")).toBeNull()
    expect(midnight("2010-11-07T02:45:00Z")).toBe(expected)
    expect(midnight("2010-11-07T03:30:00Z")).toBe(expected)
    expect(next("0 0 * * *", "America/St_Johns", "2010-11-07T02:45:00Z")).toBe(
      "2010-11-08T00:00 at 2010-11-08T03:30Z",
    )
  })

  it("does not extend its end", () => {
    const floor = (now: string) => active("30 1 * * *", "1h", "America/New_York", now)
    expect(floor("2026-11-01T06:29:59Z")).toBe("2026-11-01T01:30 since 2026-11-01T05:30Z")
    expect(floor("2026-11-01T06:30:00Z")).toBeNull()
  })
})

describe("the next start", () => {
  it.each<[string, string, string, string, string]>([
    ["is never now", "0 8 * * *", "UTC", "2026-11-30T08:00:00Z", "2026-12-01T08:00 at 2026-12-01T08:00Z"],
    [
      "may be a millisecond away",
      "0 8 * * *",
      "UTC",
      "2026-11-30T07:59:59.999Z",
      "2026-11-30T08:00 at 2026-11-30T08:00Z",
    ],
    [
      "is by the policy's zone",
      "0 8 * * 1-5",
      "Asia/Shanghai",
      "2026-11-28T00:00:00Z",
      "2026-11-30T08:00 at 2026-11-30T00:00Z",
    ],
    [
      "is after a gap what the gap left out",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-03-29T00:59:00Z",
      "2026-03-29T02:30 at 2026-03-29T01:00Z",
    ],
    [
      "is not the second pass",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-10-25T00:30:00Z",
      "2026-10-26T02:30 at 2026-10-26T01:30Z",
    ],
    [
      "may be years away",
      "0 0 29 2 *",
      "UTC",
      "2028-03-01T00:00:00Z",
      "2032-02-29T00:00 at 2032-02-29T00:00Z",
    ],
    [
      "may be eight years away",
      "0 0 29 2 *",
      "UTC",
      "2096-02-29T00:00:00Z",
      "2104-02-29T00:00 at 2104-02-29T00:00Z",
    ],
  ])("is found: %s", (_, cron, timezone, now, start) => {
    expect(next(cron, timezone, now)).toBe(start)
  })
})

it("fails for a zone that this runtime does not know, and is never guessed", () => {
  expect(() => active("0 8 * * *", "1h", "Mars/Olympus", "2026-11-30T08:00:00Z")).toThrow(RangeError)
})
