import { describe, expect, it } from "vitest"
import { NOT_FETCHED } from "../../../lib/decision/inputs/fetched.ts"
import type { FleetPurchase } from "../../../lib/decision/money/fleet-spend.ts"
import type { Policy } from "../../../lib/decision/policy/policy.ts"
import type { Situation } from "../../../lib/decision/situation.ts"
import type { Purchase } from "../../../lib/decision/state/purchases.ts"
import { DAY, HOUR, NOW, type PolicyInput, policyOf, read, stateWith, unreadable } from "../builders.ts"
import { decisionOf, findingOf, outcomeAt } from "../judge.ts"

const OTHER = "supernode:other"
const yuan = (amount: number) => ({ amount, currency: "CNY" })
const minor = (amount: number, currency = "CNY") => ({ minor: amount * 100, currency })

const others = (...over: Partial<FleetPurchase>[]): FleetPurchase[] =>
  over.map((one, i) => ({
    attempt: `other-${i}`,
    at: NOW - HOUR,
    cost: minor(100_000),
    state: "booked",
    stream: OTHER,
    ...one,
  }))

const own = (...over: Partial<Purchase>[]): Purchase[] =>
  over.map((one, i) => ({
    attempt: `own-${i}`,
    at: NOW - HOUR,
    cost: minor(100_000),
    state: "booked",
    ...one,
  }))

interface Fleet {
  caps: Partial<NonNullable<Policy["fleet"]>>
  theirs?: FleetPurchase[] | "not-read"
  ours?: Purchase[]
  limits?: Partial<PolicyInput["limits"]>
}

/** From two servers at 120000 to four at 240000: the order costs 120000. */
function fleetOf({ caps, theirs = [], ours = [], limits = {} }: Fleet): Partial<Situation> {
  return {
    policy: policyOf(
      { limits: { actions: "9 per 24h", servers: 48, ...limits }, cooldown: "0s", min_interval: "0s" },
      { fleet: { actions: null, budget: null, ...caps } },
    ),
    state: stateWith({ servers: ["s1", "s2"], purchases: ours }),
    fleet: theirs === "not-read" ? NOT_FETCHED : read({ purchases: theirs }),
  }
}

describe("action-rate under a cap of the fleet", () => {
  const caps = { actions: { count: 2, perMs: DAY } }

  it.each<[string, Fleet, boolean]>([
    ["passes if no supernode has bought", { caps }, true],
    ["passes if another supernode used one of two purchases", { caps, theirs: others({}) }, true],
    ["holds if another supernode used both purchases", { caps, theirs: others({}, {}) }, false],
    [
      "holds if we and another supernode used one purchase each",
      { caps, theirs: others({}), ours: own({}) },
      false,
    ],
    ["counts reserved purchases", { caps, theirs: others({}, { state: "reserved" }) }, false],
    ["ignores a purchase from before the window", { caps, theirs: others({}, { at: NOW - DAY }) }, true],
    [
      "counts a purchase from the first millisecond of the window",
      { caps, theirs: others({}, { at: NOW - DAY + 1 }) },
      false,
    ],
    [
      "counts a purchase that another clock dated ahead",
      { caps, theirs: others({}, { at: NOW + HOUR }) },
      false,
    ],
  ])("under a cap of the fleet, gate action-rate %s", (_, fleet, passed) => {
    expect(outcomeAt("action-rate", fleetOf(fleet))).toEqual(
      passed ? [true, null, null] : [false, "action-rate", "action-rate"],
    )
  })

  it("gate action-rate reports the supernode's own count and the fleet's count, each with its window", () => {
    const finding = findingOf("action-rate", fleetOf({ caps, theirs: others({}, {}), ours: own({}) }))
    expect(finding.says).toBe(
      "1 of 9 purchases in 1d; across all supernodes 3 purchases in 1d, and at most 2 are allowed",
    )
    expect(finding.facts).toMatchObject({
      used: 1,
      allowed: 9,
      perMs: DAY,
      fleet: { used: 3, allowed: 2, perMs: DAY },
    })
  })

  it("under a cap of the fleet, gate action-rate also holds by the supernode's own cap, and reports that cap first", () => {
    const over = fleetOf({ caps, ours: own({}), limits: { actions: "1 per 24h" } })
    expect(outcomeAt("action-rate", over)).toEqual([false, "action-rate", "action-rate"])
    expect(findingOf("action-rate", over).says).toBe(
      "1 of 1 purchases in 1d are used up; across all supernodes 1 of 2 purchases in 1d",
    )
  })
})

describe("within-budget under a budget of the fleet", () => {
  const budget = (amount: number) => ({ budget: { ...minor(amount), per: 30 * DAY } })

  it.each<[string, Fleet, boolean]>([
    ["passes if the order alone fits exactly", { caps: budget(120_000) }, true],
    ["holds if the order alone costs a yuan too much", { caps: budget(119_999) }, false],
    [
      "passes if other supernodes' purchases and the order fit exactly",
      { caps: budget(220_000), theirs: others({}) },
      true,
    ],
    [
      "holds if other supernodes' purchases and the order do not fit",
      { caps: budget(219_999), theirs: others({}) },
      false,
    ],
    [
      "passes if other supernodes' purchases, ours and the order fit exactly",
      { caps: budget(320_000), theirs: others({}), ours: own({}) },
      true,
    ],
    [
      "holds if other supernodes' purchases, ours and the order do not fit",
      { caps: budget(319_999), theirs: others({}), ours: own({}) },
      false,
    ],
    [
      "ignores other supernodes' purchases from before the window",
      { caps: budget(120_000), theirs: others({ at: NOW - 30 * DAY }) },
      true,
    ],
  ])("under a budget of the fleet, gate within-budget %s", (_, fleet, passed) => {
    expect(outcomeAt("within-budget", fleetOf(fleet))).toEqual(
      passed ? [true, null, null] : [false, "over-budget", "over-budget"],
    )
  })

  it("gate within-budget checks the supernode's own budget and the fleet's budget, and reports both", () => {
    const over = fleetOf({
      caps: budget(300_000),
      theirs: others({}),
      limits: { budget: { ...yuan(119_000), per: "30d" } },
    })
    expect(outcomeAt("within-budget", over)).toEqual([false, "over-budget", "over-budget"])
    expect(findingOf("within-budget", over).facts).toMatchObject({
      cap: yuan(119_000),
      fleet: { spent: yuan(100_000), order: yuan(120_000), cap: yuan(300_000) },
    })
  })

  it.each<[string, Fleet]>([
    ["the rung has no price", { caps: budget(900_000) }],
    ["another supernode's purchase has no price", { caps: budget(900_000), theirs: others({ cost: null }) }],
    [
      "another supernode's purchase is in another currency",
      { caps: budget(900_000), theirs: others({ cost: minor(1, "EUR") }) },
    ],
    ["a purchase of ours has no price", { caps: budget(900_000), ours: own({ cost: null }) }],
  ])("under a budget of the fleet, holds as price-unknown if %s", (name, fleet) => {
    const ladder = [1, 2, 4].map((servers) => ({ flavor: `rung-${servers}`, servers }))
    const over = fleetOf(fleet)
    const policy = name === "the rung has no price" ? { ...over.policy, ...policyOf({ ladder }) } : {}
    const situation = { ...over, policy: { ...over.policy, ...policy, fleet: over.policy?.fleet } as Policy }
    expect(outcomeAt("price-known", situation)).toEqual([false, "price-unknown", "price-unknown"])
  })

  it("a budget of the fleet ignores an unknown price outside the window", () => {
    const theirs = others({ cost: null, at: NOW - 30 * DAY })
    expect(decisionOf(fleetOf({ caps: budget(900_000), theirs })).kind).toBe("scale-up")
  })
})

describe("other supernodes' purchases that were not read", () => {
  const actions = { actions: { count: 2, perMs: DAY } }
  const budget = { budget: { ...minor(900_000), per: 30 * DAY } }

  it.each<[string, Fleet["caps"]]>([
    ["action-rate", actions],
    ["price-known", budget],
    ["within-budget", budget],
  ])(
    "gate %s has no verdict while other supernodes' purchases are not read, and nothing is bought",
    (gate, caps) => {
      const over = fleetOf({ caps, theirs: "not-read" })
      expect(outcomeAt(gate, over)).toEqual([null, null, null])
      expect(decisionOf(over).kind).toBe("hold")
      const { fleet: _none, ...absent } = over
      expect(outcomeAt(gate, absent)).toEqual([null, null, null])
      expect(outcomeAt(gate, { ...over, fleet: unreadable() })).toEqual([null, null, null])
    },
  )

  it("other supernodes' purchases need not be read if the supernode's own cap is used up", () => {
    const over = fleetOf({
      caps: actions,
      theirs: "not-read",
      ours: own({}),
      limits: { actions: "1 per 24h" },
    })
    expect(outcomeAt("action-rate", over)).toEqual([false, "action-rate", "action-rate"])
  })

  it("other supernodes' purchases need not be read if the policy has no cap across supernodes", () => {
    expect(decisionOf({ policy: policyOf({}, { fleet: { actions: null, budget: null } }) }).kind).toBe(
      "scale-up",
    )
  })
})
