import { describe, expect, it } from "vitest"
import { DAY, NOW, policyOf, type RuleInput, read, readingOf, ruleInput, stateWith } from "../builders.ts"
import { decisionOf, findingOf, weigh, withRule } from "../judge.ts"

const GATE = "evidence"
const __ = null

describe("hysteresis", () => {
  const latched = { state: stateWith({ latches: { "npu-busy": NOW - DAY } }) }
  const once = { repeat: false, clear: 70, points: "3 of 5" }

  it("a rule with repeat: false does not buy again while its metric is high", () => {
    expect(weigh(once, [97, 97, 97, 97, 97], latched)).toBe("latched")
  })

  it.each<[string, (number | null)[], boolean]>([
    ["clears if M of N points are below `clear`", [69, 69, 69, 75, 75], true],
    ["stays latched if fewer than M points are below `clear`", [69, 69, 75, 75, 75], false],
    ["stays latched if the points are between `clear` and `above`", [80, 80, 80, 80, 80], false],
    ["stays latched if the points equal `clear`", [70, 70, 70, 70, 70], false],
    ["stays latched if points are missing", [69, 69, __, __, __], false],
  ])("a latched rule %s: %j", (_, values, cleared) => {
    const over = withRule(once, readingOf(values), latched)
    expect(decisionOf(over).cleared).toEqual(cleared ? ["npu-busy"] : [])
  })

  it("a latched rule without `clear` clears at the rule's threshold", () => {
    const { clear: _, ...noClear } = once
    expect(decisionOf(withRule(noClear, readingOf([85, 85, 85, 97, 97]), latched)).cleared).toEqual([
      "npu-busy",
    ])
  })

  it("a latched rule that breaches on low values clears when the metric is above `clear`", () => {
    const { above: _, ...rest } = ruleInput()
    const policy = policyOf({ rules: [{ ...rest, below: 20, clear: 40, repeat: false }] })
    expect(
      decisionOf({ policy, ...latched, readings: read([readingOf([41, 41, 41, 30, 30])]) }).cleared,
    ).toEqual(["npu-busy"])
    expect(
      decisionOf({ policy, ...latched, readings: read([readingOf([39, 39, 39, 39, 39])]) }).cleared,
    ).toEqual([])
  })

  it("a rule may buy if it is not latched, or if it has repeat: true", () => {
    expect(weigh(once, [97, 97, 97, 97, 97])).toBe("breaching")
    expect(weigh({ ...once, repeat: true }, [97, 97, 97, 97, 97], latched)).toBe("breaching")
  })

  it("a latched rule does not stop another rule from buying", () => {
    const rules = [ruleInput(once), ruleInput({ name: "mem-full" })]
    const readings = read([
      readingOf([97, 97, 97, 97, 97]),
      readingOf([97, 97, 97, 97, 97], { rule: "mem-full" }),
    ])
    expect(decisionOf({ policy: policyOf({ rules }), readings, ...latched })).toMatchObject({
      kind: "scale-up",
      target: { rules: ["mem-full"] },
    })
  })

  it("a rule named constructor is not latched by mistake", () => {
    const rule = { ...once, name: "constructor" }
    const over = withRule(rule, readingOf([97, 97, 97, 97, 97], { rule: "constructor" }))
    expect(findingOf(GATE, over).passed).toBe(true)
  })
})

describe("steps", () => {
  const ladder = [1, 2, 4, 8, 16].map((servers) => ({ flavor: `rung-${servers}`, servers }))
  function upTo(
    steps: NonNullable<RuleInput["steps"]>,
    newestFirst: (number | null)[],
    rule: Partial<RuleInput> = {},
  ) {
    const { above: _, ...rest } = ruleInput()
    const policy = policyOf({ rules: [{ ...rest, steps, points: "2 of 3", ...rule }], ladder })
    const decision = decisionOf({
      policy,
      readings: read([readingOf(newestFirst)]),
      offers: read(ladder.map(({ flavor }) => ({ flavor, soldOut: false }))),
    })
    return decision.target?.to ?? decision.heldBy
  }
  const STEPS = [
    { from: 50, to: 200, up: 1 },
    { from: 200, up: 2 },
  ]

  it.each<[string, (number | null)[], number | string]>([
    ["a value below the lowest step holds, and is not an error", [49.9, 49.9, 49.9], "not-breaching"],
    ["the lower bound of a step is inclusive", [50, 50, 50], 4],
    ["the upper bound of a step is exclusive", [199.9, 199.9, 199.9], 4],
    ["the end of one step is the start of the next", [200, 200, 200], 8],
    ["a step with an open end has no upper limit", [9_999, 9_999, 9_999], 8],
    ["the reached step is the largest one that M of N points reach", [250, 60, 60], 4],
    ["M of N points reach the upper step", [250, 250, 60], 8],
    ["points of a higher step also reach the lower one", [250, 60, 10], 4],
    ["fewer than M points reach no step", [250, 10, 10], "not-breaching"],
    ["missing points reach no step", [250, __, __], "missing-data"],
  ])("for a rule with steps, %s: points %j give %s", (_, values, expected) => {
    expect(upTo(STEPS, values)).toBe(expected)
  })

  it("missing data that counts as breaching reaches the lowest step only", () => {
    expect(upTo(STEPS, [250, __, __], { missing: "breaching" })).toBe(4)
  })

  it("steps beyond the end of the ladder propose its top rung", () => {
    expect(upTo([{ from: 50, up: 48 }], [60, 60, 60])).toBe(16)
  })

  describe("steps on low values, with an open lower end", () => {
    const LOW = [
      { to: 10, up: 2 },
      { from: 10, to: 50, up: 1 },
    ]
    it.each<[string, (number | null)[], number | string]>([
      ["a value below 10 reaches the step without a lower bound", [5, 5, 5], 8],
      ["a value in the next step reaches the next step", [30, 30, 30], 4],
      ["a value at or above all upper bounds reaches no step", [100, 100, 100], "not-breaching"],
    ])(
      "if low values breach, %s: points %j give %s (servers, or the reason to hold)",
      (_, values, expected) => {
        expect(upTo(LOW, values)).toBe(expected)
      },
    )
  })
})

describe("several rules", () => {
  const two = (
    first: (number | null)[],
    second: (number | null)[],
    rules: Partial<RuleInput>[] = [{}, {}],
  ) => ({
    policy: policyOf({
      rules: [ruleInput({ name: "npu-busy", ...rules[0] }), ruleInput({ name: "mem-full", ...rules[1] })],
      ladder: [2, 4, 8, 16].map((servers) => ({ flavor: `rung-${servers}`, servers })),
    }),
    readings: read([readingOf(first), readingOf(second, { rule: "mem-full" })]),
    offers: read([2, 4, 8, 16].map((servers) => ({ flavor: `rung-${servers}`, soldOut: false }))),
  })
  const HIGH = [97, 97, 97, 97, 97]
  const LOW = [10, 10, 10, 10, 10]
  const NONE = [__, __, __, __, __]

  it("several rules give the highest proposal, never the sum, and the target names all of them", () => {
    const { above: _, ...rest } = ruleInput()
    const over = two(HIGH, HIGH)
    const policy = policyOf({
      rules: [ruleInput(), { ...rest, name: "mem-full", steps: [{ from: 50, up: 2 }] }],
      ladder: [2, 4, 8, 16].map((servers) => ({ flavor: `rung-${servers}`, servers })),
    })
    expect(decisionOf({ ...over, policy }).target).toMatchObject({ to: 8, rules: ["npu-busy", "mem-full"] })
  })

  it("two rules that propose the same rung lead to that rung only, and the target names both rules", () => {
    expect(decisionOf(two(HIGH, HIGH)).target).toMatchObject({ to: 4, rules: ["npu-busy", "mem-full"] })
  })

  it.each<[string, (number | null)[], (number | null)[], string | number]>([
    ["a rule that does not breach does not veto another rule", HIGH, LOW, 4],
    ["a rule with missing data does not veto another rule", NONE, HIGH, 4],
    [
      "a rule with missing data beside a rule that does not breach holds for missing data",
      NONE,
      LOW,
      "missing-data",
    ],
    ["several rules that do not breach buy nothing", LOW, LOW, "not-breaching"],
  ])("%s", (_, first, second, expected) => {
    const decision = decisionOf(two(first, second))
    expect(decision.target?.to ?? decision.heldBy).toBe(expected)
  })

  it("a rule that an invalid order switched off does not buy until the policy changes", () => {
    const over = withRule({}, readingOf(HIGH))
    const off = (hash: string) =>
      decisionOf({ ...over, policyHash: "sha256:now", state: stateWith({ rulesOff: { "npu-busy": hash } }) })
        .kind
    expect(off("sha256:now")).toBe("hold")
    expect(off("sha256:before")).toBe("scale-up")
  })
})
