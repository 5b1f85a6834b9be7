import { describe, expect, it } from "vitest"
import { sayWindow, windowStart } from "../../../lib/decision/money/window.ts"

// The window over which a cap on money counts.

const start = (timezone: string, now: string) =>
  new Date(windowStart("month", timezone, Date.parse(now))).toISOString()

describe("a calendar window", () => {
  it.each<[string, string, string, string]>([
    ["in UTC", "UTC", "2026-11-30T23:59:59.999Z", "2026-11-01T00:00:00.000Z"],
    ["at its first instant", "UTC", "2026-12-01T00:00:00Z", "2026-12-01T00:00:00.000Z"],
    ["east of UTC", "Asia/Shanghai", "2026-11-30T15:59:59Z", "2026-10-31T16:00:00.000Z"],
    ["east of UTC, a second later", "Asia/Shanghai", "2026-11-30T16:00:00Z", "2026-11-30T16:00:00.000Z"],
    ["west of UTC", "America/St_Johns", "2026-12-01T03:00:00Z", "2026-11-01T02:30:00.000Z"],
    ["14 hours ahead", "Pacific/Kiritimati", "2026-11-30T10:00:00Z", "2026-11-30T10:00:00.000Z"],
    [
      "in a month in which clocks change",
      "Europe/Berlin",
      "2026-03-31T12:00:00Z",
      "2026-02-28T23:00:00.000Z",
    ],
    [
      "in a month without a midnight on the 1st",
      "Africa/Cairo",
      "2014-08-20T00:00:00Z",
      "2014-07-31T22:00:00.000Z",
    ],
    // São Tomé set its clocks back at 02:00 on the 1st, so both passes of that hour are in January.
    [
      "in a month whose first hours repeat",
      "Africa/Sao_Tome",
      "2019-01-01T01:30:00Z",
      "2018-12-31T23:00:00.000Z",
    ],
    // Samoa had no 30 December, but the month is whole otherwise.
    ["in a month that skips a day", "Pacific/Apia", "2011-12-31T05:00:00Z", "2011-12-01T10:00:00.000Z"],
  ])(
    "a calendar window starts with the first instant of the local month: %s",
    (_, timezone, now, expected) => {
      expect(start(timezone, now)).toBe(expected)
    },
  )

  it("a calendar window names its month", () => {
    const now = Date.parse("2026-11-30T16:00:00Z")
    expect(sayWindow("month", "Asia/Shanghai", now)).toBe("in 2026-12 (Asia/Shanghai)")
    expect(sayWindow("month", "UTC", now)).toBe("in 2026-11 (UTC)")
  })
})

it("a rolling window starts right after the instant that is exactly one window ago", () => {
  expect(windowStart(86_400_000, "UTC", 86_400_000)).toBe(1)
  expect(sayWindow(86_400_000, "UTC", 0)).toBe("in 1d")
})
