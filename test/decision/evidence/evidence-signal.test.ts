import { describe, expect, it } from "vitest"
import {
  alarmOf,
  HOUR,
  MINUTE,
  NOW,
  read,
  readingOf,
  requestOf,
  serversOf,
  supernodeOf,
  tickOf,
} from "../builders.ts"
import { decisionOf, findingOf, outcomeAt, withRule } from "../judge.ts"

const GATE = "evidence"
const PERIOD = 5 * MINUTE
const NEWEST = Date.parse("2024-01-12T16:50:00Z")

describe("points of an alarm", () => {
  const POINTS = [
    { at: NEWEST - PERIOD, value: 91.2 },
    { at: NEWEST, value: 97.08 },
  ]
  interface ReportedAlarm {
    server: string | null
    exclusive: boolean
    points?: { at: number; value: number }[]
    periodMs?: number | null
    needed?: string
  }
  /** Newest first, each a little more than half a period after the previous one. */
  function hasty(...values: number[]) {
    return values.map((value, i) => ({ at: NEWEST - i * 0.6 * PERIOD, value }))
  }
  const reported = ({
    server,
    exclusive,
    points = POINTS,
    periodMs = PERIOD,
    needed = "2 of 2",
  }: ReportedAlarm) => ({
    ...withRule(
      { metric: { alarm: true }, points: needed },
      { rule: "npu-busy", periodMs, series: [{ server, points }], problem: null },
    ),
    signal: alarmOf({ points, periodMs }),
    exclusive,
  })

  it.each<[string, ReportedAlarm, boolean]>([
    [
      "are evidence if its resource is one of this supernode's servers",
      { server: "s1", exclusive: false },
      true,
    ],
    ["are evidence if exactly one supernode lists the alarm", { server: null, exclusive: true }, true],
    [
      "are not evidence if its resource is not a known server and several supernodes list the alarm",
      { server: null, exclusive: false },
      false,
    ],
    ["are not evidence if they are fewer than M", { server: "s1", exclusive: true, needed: "3 of 3" }, false],
    [
      "are evidence if M of them breach, in any order",
      { server: "s1", exclusive: true, points: POINTS.toReversed() },
      true,
    ],
    [
      "are not evidence if one of the M points does not breach",
      {
        server: "s1",
        exclusive: true,
        points: [
          { at: NEWEST - PERIOD, value: 80 },
          { at: NEWEST, value: 97 },
        ],
      },
      false,
    ],
    [
      "are not evidence if a value is NaN",
      {
        server: "s1",
        exclusive: true,
        points: [
          { at: NEWEST - PERIOD, value: Number.NaN },
          { at: NEWEST, value: 97 },
        ],
      },
      false,
    ],
    [
      "are not evidence if two of them lie within one period: they count as one point",
      {
        server: "s1",
        exclusive: true,
        points: [
          { at: NEWEST, value: 97 },
          { at: NEWEST + MINUTE, value: 98 },
        ],
      },
      false,
    ],
    [
      "are evidence without a period if one value is enough",
      {
        server: "s1",
        exclusive: true,
        periodMs: null,
        needed: "1 of 1",
        points: [{ at: NOW - MINUTE, value: 97 }],
      },
      true,
    ],
    [
      "are not evidence if they are hours old: an old point must not buy a rack",
      { server: "s1", exclusive: true, needed: "1 of 1", points: [{ at: NOW - 6 * HOUR, value: 97 }] },
      false,
    ],
    [
      "are not evidence if they are hours old and have no period",
      {
        server: "s1",
        exclusive: true,
        periodMs: null,
        needed: "1 of 1",
        points: [{ at: NOW - 6 * HOUR, value: 97 }],
      },
      false,
    ],
    [
      "are evidence if a point is as far ahead of our clock as clocks may differ",
      { server: "s1", exclusive: true, needed: "1 of 1", points: [{ at: NOW + MINUTE, value: 97 }] },
      true,
    ],
    [
      "are not evidence if a point is further ahead of our clock than clocks may differ",
      { server: "s1", exclusive: true, needed: "1 of 1", points: [{ at: NOW + MINUTE + 1, value: 97 }] },
      false,
    ],
    [
      "are not evidence if a period between them is missing",
      {
        server: "s1",
        exclusive: true,
        points: [
          { at: NEWEST - 12 * PERIOD, value: 97 },
          { at: NEWEST, value: 97 },
        ],
      },
      false,
    ],
    [
      "are not evidence if points come more than once per period and one of the N newest does not breach",
      { server: "s1", exclusive: true, needed: "3 of 3", points: hasty(97, 80, 97, 97) },
      false,
    ],
    [
      "are evidence if points come more than once per period and the N newest breach",
      { server: "s1", exclusive: true, needed: "3 of 3", points: hasty(97, 97, 97, 80) },
      true,
    ],
  ])("points of an alarm %s", (_, situation, counts) => {
    expect(outcomeAt(GATE, reported(situation))[0]).toBe(counts)
  })

  it("for a tick, points of an alarm are missing data, because a tick cannot read them again", () => {
    const reading = {
      rule: "npu-busy",
      periodMs: null,
      series: [],
      problem: "this run was not started by an alarm",
    }
    const over = { ...withRule({ metric: { alarm: true } }, reading), signal: tickOf() }
    expect(outcomeAt(GATE, over)).toEqual([false, "missing-data", "missing-data"])
  })
})

describe("a person's request", () => {
  const LOW = read([readingOf([10, 10, 10, 10, 10])])

  it("a request that names a rung needs no evidence", () => {
    const over = { signal: requestOf({ servers: 4 }), readings: LOW }
    expect(outcomeAt(GATE, over)).toEqual([true, null, null])
    expect(findingOf(GATE, over).says).toContain("ops@example.com requested 4 servers")
    expect(decisionOf(over).target).toEqual({ flavor: "rung-4", from: 2, to: 4, rules: [] })
  })

  it("a request that names no rung is decided by evidence", () => {
    expect(decisionOf({ signal: requestOf({ servers: null }), readings: LOW }).heldBy).toBe("not-breaching")
    expect(decisionOf({ signal: requestOf({ servers: null }) }).target).toMatchObject({
      to: 4,
      rules: ["npu-busy"],
    })
  })

  it("a request may skip rungs", () => {
    const over = {
      signal: requestOf({ servers: 4 }),
      supernode: read(supernodeOf({ servers: serversOf(1) })),
    }
    expect(decisionOf(over).target).toMatchObject({ from: 1, to: 4 })
  })
})
