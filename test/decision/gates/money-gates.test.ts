import { describe, expect, it } from "vitest"
import { NOT_FETCHED } from "../../../lib/decision/inputs/fetched.ts"
import { planScaleUp } from "../../../lib/decision/plan.ts"
import type { Situation } from "../../../lib/decision/situation.ts"
import { NO_CONTROL } from "../../../lib/decision/state/control.ts"
import type { Purchase } from "../../../lib/decision/state/purchases.ts"
import { digest } from "../../../lib/digest.ts"
import {
  DAY,
  HOUR,
  MINUTE,
  NOW,
  type PolicyInput,
  policyOf,
  read,
  requestOf,
  situationOf,
  stateWith,
} from "../builders.ts"
import { decisionOf, findingOf, outcomeAt } from "../judge.ts"

const yuan = (amount: number) => ({ amount, currency: "CNY" })
const spent = (amount: number | null, over: Partial<Purchase> = {}): Purchase => ({
  attempt: "attempt-0",
  at: NOW - DAY,
  cost: amount === null ? null : { minor: amount * 100, currency: "CNY" },
  state: "booked",
  ...over,
})

/** From two servers at 120000 to four at 240000: the order costs 120000. */
function budgeted(
  cap: number,
  purchases: Purchase[] = [],
  over: Partial<PolicyInput> = {},
): Partial<Situation> {
  const limits = { actions: "9 per 24h", servers: 48, budget: { ...yuan(cap), per: "30d" } }
  return { policy: policyOf({ limits, ...over }), state: stateWith({ servers: ["s1", "s2"], purchases }) }
}

describe("within-budget", () => {
  it.each<[string, Partial<Situation>, boolean]>([
    ["the order alone fits exactly", budgeted(120_000), true],
    ["the order alone is a cent too dear", budgeted(119_999.99), false],
    ["booked and this fit exactly", budgeted(220_000, [spent(100_000)]), true],
    ["booked and this do not fit", budgeted(219_999, [spent(100_000)]), false],
    [
      "what is reserved counts like what is booked",
      budgeted(219_999, [spent(100_000, { state: "reserved" })]),
      false,
    ],
    [
      "what was booked before the window does not count",
      budgeted(120_000, [spent(100_000, { at: NOW - 30 * DAY })]),
      true,
    ],
    [
      "what was booked a millisecond later does",
      budgeted(120_000, [spent(100_000, { at: NOW - 30 * DAY + 1 })]),
      false,
    ],
  ])("decides as follows when %s", (_, over, passed) => {
    expect(outcomeAt("within-budget", over)).toEqual(
      passed ? [true, null, null] : [false, "over-budget", "over-budget"],
    )
  })

  const MONTH = { actions: "9 per 24h", servers: 48, budget: { ...yuan(120_000), per: "month" as const } }

  it.each<[string, string, string, boolean]>([
    ["in the last second of the month before", "UTC", "2023-12-31T23:59:59.999Z", true],
    ["with the first instant of the month", "UTC", "2024-01-01T00:00:00Z", false],
    ["in the month before by the policy's zone", "America/New_York", "2024-01-01T04:59:59Z", true],
    ["in this month by the policy's zone", "Asia/Shanghai", "2023-12-31T16:00:00Z", false],
    ["by a clock ahead of ours", "UTC", "2024-01-12T17:00:30Z", false],
  ])("starts a cap per month anew with the calendar month: booked %s (%s)", (_, timezone, at, fits) => {
    const state = stateWith({ servers: ["s1", "s2"], purchases: [spent(1, { at: Date.parse(at) })] })
    const policy = policyOf({ limits: MONTH }, { timezone })
    expect(outcomeAt("within-budget", { policy, state })[0]).toBe(fits)
  })

  it("names the month that it counts", () => {
    const policy = policyOf({ limits: MONTH }, { timezone: "Asia/Shanghai" })
    expect(findingOf("within-budget", { policy })).toMatchObject({
      says: "0 CNY booked and reserved in 2024-01 (Asia/Shanghai), 120000 CNY for this order, 120000 CNY allowed",
      facts: { per: "month", since: Date.parse("2023-12-31T16:00:00Z") },
    })
  })

  it("gives the sums", () => {
    expect(findingOf("within-budget", budgeted(500_000, [spent(100_000)])).facts).toMatchObject({
      spent: yuan(100_000),
      order: yuan(120_000),
      cap: yuan(500_000),
    })
  })
})

describe("price-known", () => {
  const noPrices = { ladder: [1, 2, 4].map((servers) => ({ flavor: `rung-${servers}`, servers })) }

  it.each<[string, Partial<Situation>]>([
    ["a budget is set and the rung has no price", budgeted(500_000, [], noPrices)],
    [
      "an approval is set and the rung has no price",
      { policy: policyOf({ approval: { above: yuan(1) }, ...noPrices }) },
    ],
    ["a purchase in the window has no known price", budgeted(500_000, [spent(null)])],
  ])("holds when %s", (_, over) => {
    expect(outcomeAt("price-known", over)).toEqual([false, "price-unknown", "price-unknown"])
  })

  it("needs no price without a budget and an approval", () => {
    expect(decisionOf({ policy: policyOf(noPrices) }).kind).toBe("scale-up")
  })

  it.each<[string, Partial<PolicyInput>, number]>([
    ["the difference between the rungs", {}, 120_000],
    [
      "all of the target's where the current rung has no price",
      {
        ladder: [
          { flavor: "rung-2", servers: 2 },
          { flavor: "rung-4", servers: 4, price: { ...yuan(240_000), per: "month" } },
        ],
      },
      240_000,
    ],
    [
      "all of the target's where the current rung is priced by another period",
      {
        ladder: [
          { flavor: "rung-2", servers: 2, price: { ...yuan(2_000), per: "day" } },
          { flavor: "rung-4", servers: 4, price: { ...yuan(240_000), per: "month" } },
        ],
      },
      240_000,
    ],
    [
      "the difference times the committed periods",
      {
        ladder: [2, 4].map((servers) => ({
          flavor: `rung-${servers}`,
          servers,
          price: { ...yuan(servers * 100), per: "month" as const, commitment: "12 months" },
        })),
      },
      2_400,
    ],
  ])("calculates %s", (_, over, cost) => {
    expect(findingOf("price-known", budgeted(1_000_000, [], over)).facts).toMatchObject({ cost: yuan(cost) })
  })
})

describe("approved", () => {
  const policy = policyOf({ approval: { above: yuan(100_000), approvers: 2, expires: "4h" } })
  const target = { flavor: "rung-4", from: 2, to: 4, rules: ["npu-busy"] }
  const { hash } = planScaleUp(situationOf({ policy }), target, digest)
  const yes = (by: string, ago = HOUR, planHash = hash) => ({ planHash, by, at: NOW - ago })
  it("is not evaluated while the control stream was not read, and never buys", () => {
    expect(outcomeAt("approved", { policy, control: NOT_FETCHED })).toEqual([null, null, null])
  })

  const given = (...approvals: ReturnType<typeof yes>[]): Partial<Situation> => ({
    policy,
    control: read({ ...NO_CONTROL, approvals }),
  })

  it.each<[string, Partial<Situation>, boolean]>([
    ["there is no approval", given(), false],
    ["one of two approved", given(yes("ada")), false],
    ["two approved", given(yes("ada"), yes("bob")), true],
    ["the same person approved twice", given(yes("ada"), yes("ada", 2 * HOUR)), false],
    ["the same person approved twice, spelt carelessly", given(yes("Ada"), yes(" ada  ", 2 * HOUR)), false],
    ["a name that says nothing approved too", given(yes("ada"), yes("\u200b ")), false],
    ["a person approved whom the policy does not list", given(yes("ada"), yes("eve")), false],
    [
      "one person approved under names that differ in invisible signs",
      given(
        yes("ada"),
        ...["\ufe0f", "\u3164", "\u2800", "\u034f", "\u17b5"].map((sign) => yes(`ada${sign}`)),
      ),
      false,
    ],
    ["another plan was approved", given(yes("ada"), yes("bob", HOUR, "sha256:other")), false],
    ["one approval has expired", given(yes("ada"), yes("bob", 4 * HOUR)), false],
    ["one approval expires in a millisecond", given(yes("ada"), yes("bob", 4 * HOUR - 1)), true],
    ["a clock a minute ahead dated one", given(yes("ada"), yes("bob", -MINUTE)), true],
    ["one is dated further ahead than clocks may differ", given(yes("ada"), yes("bob", -MINUTE - 1)), false],
    [
      "they are older than the newest attempt: used already",
      { ...given(yes("ada"), yes("bob")), state: stateWith({ openedAt: NOW - HOUR / 2 }) },
      false,
    ],
    [
      "the requester is one of the approvers",
      { ...given(yes("ops@example.com"), yes("bob")), signal: requestOf() },
      false,
    ],
    [
      "the requester is one of them, spelt carelessly",
      { ...given(yes("OPS@Example.com "), yes("bob")), signal: requestOf() },
      false,
    ],
    [
      "the order costs no more than needs none",
      { policy: policyOf({ approval: { above: yuan(120_000), approvers: 2 } }) },
      true,
    ],
  ])("decides as follows when %s", (_, over, passed) => {
    expect(outcomeAt("approved", over)).toEqual(
      passed ? [true, null, null] : [false, "approval-needed", "approval-needed"],
    )
  })
})
