import { describe, expect, it } from "vitest"
import { MINUTE, policyOf, type RuleInput, read, readingOf, ruleInput } from "../builders.ts"
import { evidenceOf, findingOf, outcomeAt, weigh, withRule } from "../judge.ts"

const GATE = "evidence"
const PERIOD = 5 * MINUTE
const NEWEST = Date.parse("2024-01-12T16:50:00Z")
const __ = null

describe("comparison with a threshold", () => {
  const breach: [keyof RuleInput, number, string][] = [
    ["above", 85, "not-breaching"],
    ["above", 85.000001, "breaching"],
    ["at_least", 85, "breaching"],
    ["at_least", 84.999999, "not-breaching"],
    ["below", 85, "not-breaching"],
    ["below", 84.999999, "breaching"],
    ["at_most", 85, "breaching"],
    ["at_most", 85.000001, "not-breaching"],
  ]
  it.each(breach)("a rule with %s: 85 compares the value %d without rounding: %s", (op, value, verdict) => {
    const { above: _, ...rest } = ruleInput()
    const policy = policyOf({ rules: [{ ...rest, [op]: 85, points: "1 of 1" }] })
    const finding = findingOf(GATE, { policy, readings: read([readingOf([value])]) })
    expect(finding.passed ? "breaching" : finding.reason).toBe(verdict)
  })

  it("a point of zero is a value, not missing data", () => {
    expect(weigh({ points: "1 of 1" }, [0])).toBe("not-breaching")
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "a point of %s counts as missing",
    (value) => {
      expect(weigh({ points: "1 of 1" }, [value])).toBe("missing-data")
    },
  )
})

describe("M of the N newest periods", () => {
  it.each<[string, (number | null)[], string]>([
    ["breaches if exactly 3 breach", [97, 10, 97, 10, 97], "breaching"],
    ["breaches if all 5 breach", [97, 97, 97, 97, 97], "breaching"],
    ["does not breach if only 2 breach", [97, 97, 10, 10, 10], "not-breaching"],
    ["breaches if the 3 oldest breach", [10, 10, 97, 97, 97], "breaching"],
    ["does not breach if none breaches", [10, 10, 10, 10, 10], "not-breaching"],
    ["breaches if 3 breach and the others are missing", [97, 97, 97, __, __], "breaching"],
    ["has missing data if only 2 are real, though both breach", [97, 97, __, __, __], "missing-data"],
    ["has missing data if none is real", [__, __, __, __, __], "missing-data"],
    ["does not breach if the missing point could not make 3 breach", [97, 10, 10, 10, __], "not-breaching"],
    ["has missing data if the missing point could make 3 breach", [97, 97, 10, 10, __], "missing-data"],
  ])("a rule of 3 of 5 points %s", (_, values, verdict) => {
    expect(weigh({ points: "3 of 5" }, values)).toBe(verdict)
  })

  it("a rule never reaches further back than its N newest periods, even if older points breach", () => {
    expect(weigh({ points: "2 of 2" }, [97, 10, 97, 97, 97])).toBe("not-breaching")
    expect(weigh({ points: "2 of 2" }, [__, __, 97, 97, 97])).toBe("missing-data")
  })

  it("evidence ignores a period that ended less than the metric's lag ago", () => {
    // The period of 16:55 ended at 17:00 sharp, and the lag is a minute.
    const reading = {
      ...readingOf([10]),
      series: ["s1", "s2"].map((server) => ({
        server,
        points: [
          { at: NEWEST, value: 10 },
          { at: NEWEST + PERIOD, value: 97 },
        ],
      })),
    }
    expect(findingOf(GATE, withRule({ points: "1 of 1" }, reading)).reason).toBe("not-breaching")
    const noLag = { points: "1 of 1", metric: { ...ruleInput().metric, lag: "0s" } }
    expect(findingOf(GATE, withRule(noLag, reading)).passed).toBe(true)
  })

  it("evidence ignores a point whose time is not the start of a period", () => {
    const reading = {
      ...readingOf([]),
      series: ["s1", "s2"].map((server) => ({ server, points: [{ at: NEWEST + 1, value: 97 }] })),
    }
    expect(findingOf(GATE, withRule({ points: "1 of 1" }, reading)).reason).toBe("missing-data")
  })

  it("evidence records every point with its value, its state, and how many servers reported and were expected", () => {
    const evidence = evidenceOf(withRule({}, readingOf([97, 96, __, 95, 10])))
    expect(evidence).toMatchObject({ verdict: "breaching", breaching: 3, missing: 1, m: 3, n: 5 })
    expect(evidence["points"]).toMatchObject([
      { at: NEWEST, value: 97, state: "real", reported: 2, expected: 2 },
      { at: NEWEST - PERIOD, value: 96 },
      { at: NEWEST - 2 * PERIOD, value: null, state: "missing", reported: 0 },
      { at: NEWEST - 3 * PERIOD, value: 95 },
      { at: NEWEST - 4 * PERIOD, value: 10 },
    ])
  })
})

describe("missing data", () => {
  it.each<[NonNullable<RuleInput["missing"]>, (number | null)[], string]>([
    ["hold", [97, 97, __, __, 10], "missing-data"],
    ["not-breaching", [97, 97, __, __, 10], "not-breaching"],
    ["not-breaching", [97, 97, 97, __, __], "breaching"],
    ["not-breaching", [__, __, __, __, __], "not-breaching"],
    ["breaching", [97, 97, __, 10, 10], "breaching"],
    ["breaching", [97, __, 10, 10, 10], "not-breaching"],
    ["breaching", [__, __, __, __, __], "breaching"],
  ])("missing: %s evaluates the points %j as %s", (missing, values, verdict) => {
    expect(weigh({ missing }, values)).toBe(verdict)
  })

  it("an unreadable reading counts as missing data, never as zero, and the finding gives the reason", () => {
    const reading = {
      rule: "npu-busy",
      periodMs: PERIOD,
      series: [],
      problem: "Cloud Eye could not be read: HTTP 503",
    }
    const { above: _, ...rest } = ruleInput()
    // Zero would breach this rule.
    const over = { policy: policyOf({ rules: [{ ...rest, below: 50 }] }), readings: read([reading]) }
    expect(outcomeAt(GATE, over)).toEqual([false, "missing-data", "missing-data"])
    expect(findingOf(GATE, over).says).toContain("HTTP 503")
  })

  it("a rule without a reading has missing data", () => {
    expect(outcomeAt(GATE, { readings: read([]) })).toEqual([false, "missing-data", "missing-data"])
  })
})
