import { describe, expect, it } from "vitest"
import {
  MINUTE,
  NOW,
  policyOf,
  type RuleInput,
  read,
  readingOf,
  ruleInput,
  serverOf,
  serversOf,
  stateWith,
  supernodeOf,
} from "../builders.ts"
import { decisionOf, evidenceOf, findingOf, outcomeAt, weigh, withRule } from "../judge.ts"

const GATE = "evidence"
const PERIOD = 5 * MINUTE
const NEWEST = Date.parse("2024-01-12T16:50:00Z")

describe("points over several servers", () => {
  const perServer = (values: Record<string, number>) => ({
    ...readingOf([]),
    series: Object.entries(values).map(([server, value]) => ({ server, points: [{ at: NEWEST, value }] })),
  })
  const five = (
    over: Partial<RuleInput["metric"]>,
    values: Record<string, number>,
    servers = serversOf(5),
  ) => {
    const rung = { flavor: "rung-5", servers: servers.filter(({ status }) => status !== "DELETED").length }
    return {
      policy: policyOf({
        rules: [ruleInput({ points: "1 of 1", metric: { ...ruleInput().metric, ...over } })],
        ladder: [rung, { flavor: "rung-8", servers: 48 }],
      }),
      supernode: read(supernodeOf({ servers })),
      readings: read([perServer(values)]),
    }
  }

  it.each<["average" | "max" | "min", number]>([
    ["average", 80],
    ["max", 96],
    ["min", 64],
  ])("points aggregate the servers' values by %s", (aggregate, value) => {
    const over = withRule(
      { points: "1 of 1", metric: { ...ruleInput().metric, aggregate } },
      perServer({ s1: 96, s2: 64 }),
    )
    expect(evidenceOf(over)["points"]).toMatchObject([{ value }])
  })

  it.each<[string, number, boolean]>([
    ["100%", 5, true],
    ["100%", 4, false],
    ["80%", 4, true],
    ["80%", 3, false],
    ["70%", 4, true],
    ["70%", 3, false],
    ["0.1%", 1, true],
    ["0.1%", 0, false],
  ])("a quorum of %s with %i of 5 servers reporting is reached: %s", (quorum, reported, isReal) => {
    const values = Object.fromEntries(serversOf(reported).map(({ id }) => [id, 97]))
    expect(outcomeAt(GATE, five({ quorum }, values)).slice(0, 2)).toEqual(
      isReal ? [true, null] : [false, "missing-data"],
    )
  })

  it.each(["STOPPED", "CREATING", "ERROR"])(
    "evidence expects no data of a server that is %s, and ignores its data",
    (status) => {
      const servers = [...serversOf(4), serverOf("s5", { status })]
      const over = five({}, { s1: 97, s2: 97, s3: 97, s4: 97, s5: 0 }, servers)
      expect(evidenceOf(over)["points"]).toMatchObject([{ value: 97, reported: 4, expected: 4 }])
    },
  )

  it("evidence expects no data of a server before the end of its warm-up, and ignores its data", () => {
    const servers = [...serversOf(4), serverOf("s5", { createAt: NEWEST - 15 * MINUTE + 1 })]
    const over = five({}, { s1: 97, s2: 97, s3: 97, s4: 97, s5: 0 }, servers)
    expect(evidenceOf(over)["points"]).toMatchObject([{ value: 97, reported: 4, expected: 4 }])
  })

  it("evidence expects data of a server after its warm-up", () => {
    const servers = [...serversOf(4), serverOf("s5", { createAt: NEWEST - 15 * MINUTE })]
    const over = five({}, { s1: 97, s2: 97, s3: 97, s4: 97 }, servers)
    expect(outcomeAt(GATE, over).slice(0, 2)).toEqual([false, "missing-data"])
  })

  it("points are missing if no server runs, even if old values exist", () => {
    const servers = serversOf(5, { status: "STOPPED" })
    expect(outcomeAt(GATE, five({ quorum: "1%" }, { s1: 97, s2: 97 }, servers)).slice(0, 2)).toEqual([
      false,
      "missing-data",
    ])
  })

  it("evidence ignores the series of an unknown server", () => {
    const over = five({}, { s1: 97, s2: 97, s3: 97, s4: 97, gone: 97 })
    expect(outcomeAt(GATE, over).slice(0, 2)).toEqual([false, "missing-data"])
  })

  it("evidence uses a series for the whole supernode as it is, without aggregating servers", () => {
    const reading = { ...readingOf([]), series: [{ server: null, points: [{ at: NEWEST, value: 97 }] }] }
    expect(findingOf(GATE, withRule({ points: "1 of 1" }, reading)).passed).toBe(true)
  })
})

describe("warm-up after a purchase", () => {
  /** Completed so that the last `early` of the five periods began before the end of warm-up. */
  const completedBefore = (early: number) => NEWEST - (4 - early) * PERIOD - 15 * MINUTE
  const after = (early: number) =>
    withRule({ points: "3 of 5" }, readingOf([97, 97, 97, 97, 97]), {
      state: stateWith({ completedAt: completedBefore(early) - 1 }),
    })

  it.each<[number, boolean]>([
    [0, true],
    [2, true],
    [3, false],
    [5, false],
  ])(
    "with %i of 5 breaching periods from before the end of warm-up, a rule of 3 of 5 breaches: %s",
    (early, passed) => {
      expect(outcomeAt(GATE, after(early)).slice(0, 2)).toEqual(
        passed ? [true, null] : [false, "not-breaching"],
      )
    },
  )

  it("does not buy before both warm-up and cooldown have ended", () => {
    const policy = policyOf({ cooldown: "10m", min_interval: "0s", warmup: "30m" })
    const state = stateWith({ completedAt: NOW - 20 * MINUTE })
    expect(findingOf("cooldown-over", { policy, state }).passed).toBe(true)
    expect(decisionOf({ policy, state })).toMatchObject({ kind: "hold", heldBy: "not-breaching" })
  })

  it("missing: breaching does not apply to periods from before the end of warm-up", () => {
    const state = stateWith({ completedAt: NEWEST })
    expect(weigh({ missing: "breaching" }, [97, 97, 97, 97, 97], { state })).toBe("not-breaching")
  })
})
