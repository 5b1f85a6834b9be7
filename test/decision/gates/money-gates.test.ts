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
    ["passes if the order alone fits exactly", budgeted(120_000), true],
    ["holds if the order alone costs a cent too much", budgeted(119_999.99), false],
    ["passes if booked purchases and the order fit exactly", budgeted(220_000, [spent(100_000)]), true],
    ["holds if booked purchases and the order do not fit", budgeted(219_999, [spent(100_000)]), false],
    [
      "counts reserved purchases like booked ones",
      budgeted(219_999, [spent(100_000, { state: "reserved" })]),
      false,
    ],
    [
      "ignores a purchase from before the window",
      budgeted(120_000, [spent(100_000, { at: NOW - 30 * DAY })]),
      true,
    ],
    [
      "counts a purchase from the first millisecond of the window",
      budgeted(120_000, [spent(100_000, { at: NOW - 30 * DAY + 1 })]),
      false,
    ],
  ])("gate within-budget %s", (_, over, passed) => {
    expect(outcomeAt("within-budget", over)).toEqual(
      passed ? [true, null, null] : [false, "over-budget", "over-budget"],
    )
  })

  const MONTH = { actions: "9 per 24h", servers: 48, budget: { ...yuan(120_000), per: "month" as const } }

  it.each<[string, string, string, boolean]>([
    [
      "ignores a purchase in the last millisecond of the month before",
      "UTC",
      "2023-12-31T23:59:59.999Z",
      true,
    ],
    ["counts a purchase at the first instant of the month", "UTC", "2024-01-01T00:00:00Z", false],
    [
      "ignores a purchase in the month before by the policy's zone",
      "America/New_York",
      "2024-01-01T04:59:59Z",
      true,
    ],
    ["counts a purchase in this month by the policy's zone", "Asia/Shanghai", "2023-12-31T16:00:00Z", false],
    ["counts a purchase that a clock ahead of ours dated", "UTC", "2024-01-12T17:00:30Z", false],
  ])("a budget per calendar month %s (%s)", (_, timezone, at, fits) => {
    const state = stateWith({ servers: ["s1", "s2"], purchases: [spent(1, { at: Date.parse(at) })] })
    const policy = policyOf({ limits: MONTH }, { timezone })
    expect(outcomeAt("within-budget", { policy, state })[0]).toBe(fits)
  })

  it("gate within-budget names the calendar month whose purchases it counts", () => {
    const policy = policyOf({ limits: MONTH }, { timezone: "Asia/Shanghai" })
    expect(findingOf("within-budget", { policy })).toMatchObject({
      says: "0 CNY booked and reserved in 2024-01 (Asia/Shanghai), 120000 CNY for this order, 120000 CNY allowed",
      facts: { per: "month", since: Date.parse("2023-12-31T16:00:00Z") },
    })
  })

  it("gate within-budget reports the sum used, the order's cost and the budget", () => {
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
  ])("gate price-known holds when %s", (_, over) => {
    expect(outcomeAt("price-known", over)).toEqual([false, "price-unknown", "price-unknown"])
  })

  it("buys without a known price if the policy has no budget and requires no approval", () => {
    expect(decisionOf({ policy: policyOf(noPrices) }).kind).toBe("scale-up")
  })

  it.each<[string, Partial<PolicyInput>, number]>([
    ["the difference between the rungs", {}, 120_000],
    [
      "the whole price of the target if the current rung has no price",
      {
        ladder: [
          { flavor: "rung-2", servers: 2 },
          { flavor: "rung-4", servers: 4, price: { ...yuan(240_000), per: "month" } },
        ],
      },
      240_000,
    ],
    [
      "the whole price of the target if the current rung is priced by another period",
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
  ])("the cost of an order is %s", (_, over, cost) => {
    expect(findingOf("price-known", budgeted(1_000_000, [], over)).facts).toMatchObject({ cost: yuan(cost) })
  })
})

describe("approved", () => {
  const policy = policyOf({ approval: { above: yuan(100_000), approvers: 2, expires: "4h" } })
  const target = { flavor: "rung-4", from: 2, to: 4, rules: ["npu-busy"] }
  const { hash } = planScaleUp(situationOf({ policy }), target, digest)
  const yes = (by: string, ago = HOUR, planHash = hash) => ({ planHash, by, at: NOW - ago })
  it("gate approved has no verdict before the control stream is read, and nothing is bought", () => {
    expect(outcomeAt("approved", { policy, control: NOT_FETCHED })).toEqual([null, null, null])
  })

  const given = (...approvals: ReturnType<typeof yes>[]): Partial<Situation> => ({
    policy,
    control: read({ ...NO_CONTROL, approvals }),
  })

  it.each<[string, Partial<Situation>, boolean]>([
    ["holds without an approval", given(), false],
    ["holds if one of two people approved", given(yes("ada")), false],
    ["passes if two people approved", given(yes("ada"), yes("bob")), true],
    ["holds if the same person approved twice", given(yes("ada"), yes("ada", 2 * HOUR)), false],
    [
      "holds if the same person approved twice in different spellings",
      given(yes("Ada"), yes(" ada  ", 2 * HOUR)),
      false,
    ],
    ["holds if the second approval has a name without letters", given(yes("ada"), yes("\u200b ")), false],
    ["holds if the second person is not an approver in the policy", given(yes("ada"), yes("eve")), false],
    [
      "holds if one person approved under names that differ in invisible characters",
      given(
        yes("ada"),
        ...["\ufe0f", "\u3164", "\u2800", "\u034f", "\u17b5"].map((sign) => yes(`ada${sign}`)),
      ),
      false,
    ],
    ["holds if one approval is for another plan", given(yes("ada"), yes("bob", HOUR, "sha256:other")), false],
    ["holds if one approval has expired", given(yes("ada"), yes("bob", 4 * HOUR)), false],
    ["passes if one approval expires in a millisecond", given(yes("ada"), yes("bob", 4 * HOUR - 1)), true],
    [
      "passes if one approval is dated by a clock a minute ahead",
      given(yes("ada"), yes("bob", -MINUTE)),
      true,
    ],
    [
      "holds if one approval is dated further ahead than clocks may differ",
      given(yes("ada"), yes("bob", -MINUTE - 1)),
      false,
    ],
    [
      "holds if the approvals are older than the newest attempt, which used them",
      { ...given(yes("ada"), yes("bob")), state: stateWith({ openedAt: NOW - HOUR / 2 }) },
      false,
    ],
    [
      "holds if the requester is one of the approvers",
      { ...given(yes("ops@example.com"), yes("bob")), signal: requestOf() },
      false,
    ],
    [
      "holds if the requester is one of the approvers in another spelling",
      { ...given(yes("OPS@Example.com "), yes("bob")), signal: requestOf() },
      false,
    ],
    [
      "passes if the order costs no more than may be bought without approval",
      { policy: policyOf({ approval: { above: yuan(120_000), approvers: 2 } }) },
      true,
    ],
  ])("gate approved %s", (_, over, passed) => {
    expect(outcomeAt("approved", over)).toEqual(
      passed ? [true, null, null] : [false, "approval-needed", "approval-needed"],
    )
  })
})
