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
    ["is not active a millisecond before its start", "2026-11-30T07:59:59.999Z", null],
    ["is active from its start", "2026-11-30T08:00:00Z", "2026-11-30T08:00 since 2026-11-30T08:00Z"],
    [
      "is active to its last millisecond",
      "2026-11-30T17:59:59.999Z",
      "2026-11-30T08:00 since 2026-11-30T08:00Z",
    ],
    ["is not active after its end", "2026-11-30T18:00:00Z", null],
    ["from Monday to Friday is not active on Saturday", "2026-11-28T09:00:00Z", null],
    ["from Monday to Friday is not active after its end on Friday", "2026-11-27T18:00:01Z", null],
  ])("a schedule %s", (_, now, floor) => {
    expect(active("0 8 * * 1-5", "10h", "UTC", now)).toBe(floor)
  })

  it.each<[string, string, string, string, string, string | null]>([
    [
      "starts by the policy's zone",
      "0 8 * * *",
      "1h",
      "Asia/Shanghai",
      "2026-11-30T00:30:00Z",
      "2026-11-30T08:00 since 2026-11-30T00:00Z",
    ],
    [
      "starts by a zone whose offset has 45 minutes",
      "0 8 * * *",
      "1h",
      "Asia/Kathmandu",
      "2026-11-30T02:15:00Z",
      "2026-11-30T08:00 since 2026-11-30T02:15Z",
    ],
    [
      "is active over midnight",
      "0 22 * * *",
      "8h",
      "UTC",
      "2026-12-01T05:59:00Z",
      "2026-11-30T22:00 since 2026-11-30T22:00Z",
    ],
    [
      "is active for weeks",
      "0 0 1 * *",
      "20d",
      "UTC",
      "2026-11-20T12:00:00Z",
      "2026-11-01T00:00 since 2026-11-01T00:00Z",
    ],
    [
      "is active for a year",
      "0 0 1 1 *",
      "366d",
      "UTC",
      "2026-12-31T23:59:00Z",
      "2026-01-01T00:00 since 2026-01-01T00:00Z",
    ],
    [
      "starts anew each time, even while an older start would last",
      "0 * * * *",
      "10h",
      "UTC",
      "2026-11-30T09:01:00Z",
      "2026-11-30T09:00 since 2026-11-30T09:00Z",
    ],
    [
      "with a day of the month and a day of the week is active on that day of the month",
      "0 8 1 * 1",
      "1h",
      "UTC",
      "2026-12-01T08:00:00Z",
      "2026-12-01T08:00 since 2026-12-01T08:00Z",
    ],
    [
      "with a day of the month and a day of the week is active on that day of the week",
      "0 8 1 * 1",
      "1h",
      "UTC",
      "2026-12-07T08:00:00Z",
      "2026-12-07T08:00 since 2026-12-07T08:00Z",
    ],
    [
      "with a day of the month and a day of the week is active on no other day",
      "0 8 1 * 1",
      "1h",
      "UTC",
      "2026-12-08T08:00:00Z",
      null,
    ],
    [
      "does not start by another zone's clocks",
      "0 8 * * *",
      "1h",
      "America/New_York",
      "2026-11-30T08:00:00Z",
      null,
    ],
  ])("a schedule %s", (_, cron, duration, timezone, now, floor) => {
    expect(active(cron, duration, timezone, now)).toBe(floor)
  })

  it("a schedule lasts for elapsed time, even if clocks change meanwhile", () => {
    const berlin = (now: string) => active("0 0 * * *", "4h", "Europe/Berlin", now)
    // 29 March 2026: 2:00 became 3:00. 25 October 2026: 3:00 became 2:00.
    expect(berlin("2026-03-29T02:59:59Z")).toBe("2026-03-29T00:00 since 2026-03-28T23:00Z")
    expect(berlin("2026-03-29T03:00:00Z")).toBeNull()
    expect(berlin("2026-10-25T01:59:59Z")).toBe("2026-10-25T00:00 since 2026-10-24T22:00Z")
    expect(berlin("2026-10-25T02:00:00Z")).toBeNull()
  })

  it("each active schedule has its own floor, in the order of the policy", () => {
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
    ["does not run before the change", "30 2 * * *", "Europe/Berlin", "2026-03-29T00:59:59.999Z", null],
    [
      "runs right after the change",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-03-29T01:00:00Z",
      "2026-03-29T02:30 since 2026-03-29T01:00Z",
    ],
    [
      "runs together with another start, and the later start counts",
      "15,45 2 * * *",
      "Europe/Berlin",
      "2026-03-29T01:00:00Z",
      "2026-03-29T02:45 since 2026-03-29T01:00Z",
    ],
    [
      "runs after the skipped half hour on Lord Howe Island",
      "15 2 * * *",
      "Australia/Lord_Howe",
      "2026-10-03T15:30:00Z",
      "2026-10-04T02:15 since 2026-10-03T15:30Z",
    ],
    [
      "runs after the skipped two hours at Troll",
      "30 2 * * *",
      "Antarctica/Troll",
      "2026-03-29T01:00:00Z",
      "2026-03-29T02:30 since 2026-03-29T01:00Z",
    ],
    [
      "runs after the skipped hour from midnight in Beirut",
      "0 0 * * *",
      "Asia/Beirut",
      "2026-03-28T22:00:00Z",
      "2026-03-29T00:00 since 2026-03-28T22:00Z",
    ],
    [
      "runs after the skipped evening hour in Nuuk",
      "30 23 * * *",
      "America/Godthab",
      "2026-03-29T01:00:00Z",
      "2026-03-28T23:30 since 2026-03-29T01:00Z",
    ],
    [
      "runs after the skipped hour at the end of Ramadan in Morocco",
      "30 2 * * *",
      "Africa/Casablanca",
      "2026-03-22T02:00:00Z",
      "2026-03-22T02:30 since 2026-03-22T02:00Z",
    ],
    [
      "runs after the day that Samoa skipped in 2011",
      "0 8 30 12 *",
      "Pacific/Apia",
      "2011-12-30T10:00:00Z",
      "2011-12-30T08:00 since 2011-12-30T10:00Z",
    ],
  ])("a start in the skipped DST hour %s", (_, cron, timezone, now, floor) => {
    expect(active(cron, "1h", timezone, now)).toBe(floor)
  })
})

describe("a start in the repeated DST hour", () => {
  it.each<[string, string, string, string, string | null]>([
    [
      "runs at the first pass",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-10-25T00:30:00Z",
      "2026-10-25T02:30 since 2026-10-25T00:30Z",
    ],
    ["does not run at the second pass", "30 2 * * *", "Europe/Berlin", "2026-10-25T01:30:00Z", null],
    [
      "does not run at the second pass, even with a start each quarter of an hour",
      "*/15 2 * * *",
      "Europe/Berlin",
      "2026-10-25T01:29:59Z",
      "2026-10-25T02:45 since 2026-10-25T00:45Z",
    ],
    [
      "does not run again in the repeated half hour on Lord Howe Island",
      "45 1 * * *",
      "Australia/Lord_Howe",
      "2026-04-04T15:14:00Z",
      "2026-04-05T01:45 since 2026-04-04T14:45Z",
    ],
    [
      "does not run again in Santiago, where the hour before midnight repeats",
      "30 23 * * *",
      "America/Santiago",
      "2026-04-05T03:30:00Z",
      null,
    ],
  ])("a start in the repeated DST hour %s", (_, cron, timezone, now, floor) => {
    expect(active(cron, "45m", timezone, now)).toBe(floor)
  })

  it("a start at midnight runs once, even if the clocks then show the previous day again", () => {
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

  it("the repeated DST hour does not extend a schedule", () => {
    const floor = (now: string) => active("30 1 * * *", "1h", "America/New_York", now)
    expect(floor("2026-11-01T06:29:59Z")).toBe("2026-11-01T01:30 since 2026-11-01T05:30Z")
    expect(floor("2026-11-01T06:30:00Z")).toBeNull()
  })
})

describe("the next start", () => {
  it.each<[string, string, string, string, string]>([
    [
      "is later than now, even if a start is now",
      "0 8 * * *",
      "UTC",
      "2026-11-30T08:00:00Z",
      "2026-12-01T08:00 at 2026-12-01T08:00Z",
    ],
    [
      "may be a millisecond away",
      "0 8 * * *",
      "UTC",
      "2026-11-30T07:59:59.999Z",
      "2026-11-30T08:00 at 2026-11-30T08:00Z",
    ],
    [
      "follows the policy's zone",
      "0 8 * * 1-5",
      "Asia/Shanghai",
      "2026-11-28T00:00:00Z",
      "2026-11-30T08:00 at 2026-11-30T00:00Z",
    ],
    [
      "is right after a skipped hour if that hour contained it",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-03-29T00:59:00Z",
      "2026-03-29T02:30 at 2026-03-29T01:00Z",
    ],
    [
      "is not the second pass of a repeated hour",
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
  ])("the next start of a schedule %s", (_, cron, timezone, now, start) => {
    expect(next(cron, timezone, now)).toBe(start)
  })
})

it("a time zone that this runtime does not know is an error, and is never guessed", () => {
  expect(() => active("0 8 * * *", "1h", "Mars/Olympus", "2026-11-30T08:00:00Z")).toThrow(RangeError)
})
