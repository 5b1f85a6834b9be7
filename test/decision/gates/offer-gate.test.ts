import { describe, expect, it } from "vitest"
import type { Offer } from "../../../lib/decision/inputs/supernode.ts"
import type { Situation } from "../../../lib/decision/situation.ts"
import {
  MINUTE,
  NOW,
  offersOf,
  type PolicyInput,
  policyOf,
  read,
  requestOf,
  stateWith,
  unreadable,
} from "../builders.ts"
import { decisionOf, findingOf, outcomeAt } from "../judge.ts"

const GATE = "offer-available"
const ladder = [1, 2, 4, 8].map((servers) => ({ flavor: `rung-${servers}`, servers }))
const larger = (over: Partial<PolicyInput> = {}) => policyOf({ ladder, sold_out: "next-larger", ...over })
const taller = larger({ ladder: [...ladder, { flavor: "rung-16", servers: 16 }] })
const soldOut = (...flavors: string[]): Offer[] => flavors.map((flavor) => ({ flavor, soldOut: true }))
const unclear = (...flavors: string[]): Offer[] => flavors.map((flavor) => ({ flavor, soldOut: null }))
const blockedUntil = (until: number) => stateWith({ blocked: { "rung-4": { until, times: 1 } } })

describe("offer-available", () => {
  it.each<[string, Partial<Situation>, string | null]>([
    ["passes if the flavor is listed and in stock", { offers: read(offersOf("rung-4")) }, null],
    ["holds if the flavor is not listed", { offers: read(offersOf("rung-1", "rung-2")) }, "not-offered"],
    ["holds if no flavor is listed", { offers: read([]) }, "not-offered"],
    ["holds if the flavor is sold out", { offers: read(soldOut("rung-4")) }, "sold-out"],
    [
      "passes if another flavor is sold out",
      { offers: read([...offersOf("rung-4"), ...soldOut("rung-2")]) },
      null,
    ],
    [
      "holds if the flavor is listed twice, once as sold out, because its stock is unclear",
      { offers: read([...offersOf("rung-4"), ...soldOut("rung-4")]) },
      "offers-unreadable",
    ],
    ["holds if the flavor's flag is unreadable", { offers: read(unclear("rung-4")) }, "offers-unreadable"],
    [
      "passes if the flag of another flavor is unreadable",
      { offers: read([...offersOf("rung-4"), ...unclear("rung-2")]) },
      null,
    ],
    [
      "holds while the flavor is blocked after a capacity refusal",
      { state: blockedUntil(NOW + 1) },
      "flavor-blocked",
    ],
    ["passes when the block of the flavor is over", { state: blockedUntil(NOW) }, null],
    [
      "passes if another flavor is blocked",
      { state: stateWith({ blocked: { "rung-2": { until: NOW + MINUTE, times: 1 } } }) },
      null,
    ],
    ["holds if the offers could not be read", { offers: unreadable() }, "offers-unreadable"],
    [
      "holds if the cloud refused the keys for the offers",
      { offers: unreadable("HTTP 403", true) },
      "credentials",
    ],
  ])("gate offer-available %s", (_, over, reason) => {
    expect(outcomeAt(GATE, over)).toEqual([reason === null, reason, reason])
  })

  it("a decision keeps the target if its flavor cannot be bought, so that the plan can be shown", () => {
    expect(decisionOf({ offers: read(soldOut("rung-4")) }).target).toMatchObject({ flavor: "rung-4", to: 4 })
  })

  describe("with sold_out: next-larger", () => {
    it.each<[string, Partial<Situation>, number]>([
      ["buys the demanded rung if it is in stock", { offers: read(offersOf("rung-4", "rung-8")) }, 4],
      [
        "buys the next larger rung if the demanded one is sold out",
        { offers: read([...soldOut("rung-4"), ...offersOf("rung-8")]) },
        8,
      ],
      [
        "buys the next larger rung if the demanded one is blocked",
        { offers: read(offersOf("rung-4", "rung-8")), state: blockedUntil(NOW + 1) },
        8,
      ],
    ])("sold_out: next-larger %s", (_, over, to) => {
      expect(decisionOf({ policy: larger(), ...over })).toMatchObject({
        kind: "scale-up",
        target: { flavor: `rung-${to}`, to },
      })
    })

    it("sold_out: next-larger goes up to the servers limit, inclusive", () => {
      const policy = larger({ limits: { actions: "2 per 24h", servers: 8 } })
      const offers = read([...soldOut("rung-4"), ...offersOf("rung-8")])
      expect(decisionOf({ policy, offers })).toMatchObject({ kind: "scale-up", target: { to: 8 } })
    })

    it.each<[string, Partial<Situation>, string]>([
      ["the larger rung is sold out too", { offers: read(soldOut("rung-4", "rung-8")) }, "sold-out"],
      ["the larger rung is not listed", { offers: read(soldOut("rung-4")) }, "sold-out"],
      [
        "the larger rung is above the servers limit",
        {
          offers: read([...soldOut("rung-4"), ...offersOf("rung-8")]),
          policy: larger({ limits: { actions: "2 per 24h", servers: 7 } }),
        },
        "sold-out",
      ],
      [
        "the demanded rung is not listed, which is not the same as sold out",
        { offers: read(offersOf("rung-8")) },
        "not-offered",
      ],
      [
        "the demanded rung's flag is unreadable, even if the larger one is in stock",
        { offers: read([...unclear("rung-4"), ...offersOf("rung-8")]) },
        "offers-unreadable",
      ],
      [
        "the flag of the next larger rung is unreadable",
        {
          offers: read([...soldOut("rung-4"), ...unclear("rung-8"), ...offersOf("rung-16")]),
          policy: taller,
        },
        "offers-unreadable",
      ],
      [
        "the next larger rung is not listed, even if a still larger one is in stock",
        { offers: read([...soldOut("rung-4"), ...offersOf("rung-16")]), policy: taller },
        "sold-out",
      ],
      [
        "a person requested the rung that is sold out",
        { offers: read([...soldOut("rung-4"), ...offersOf("rung-8")]), signal: requestOf({ servers: 4 }) },
        "sold-out",
      ],
    ])("sold_out: next-larger holds when %s", (_, over, reason) => {
      expect(decisionOf({ policy: larger(), ...over })).toMatchObject({ kind: "hold", heldBy: reason })
    })

    it("sold_out: next-larger never buys a smaller rung", () => {
      const offers = read([...soldOut("rung-4", "rung-8"), ...offersOf("rung-1", "rung-2")])
      expect(decisionOf({ policy: larger(), offers }).heldBy).toBe("sold-out")
    })

    it("sold_out: next-larger names the demanded rung, the reason why it is not bought, and the larger rung", () => {
      const { says } = findingOf(GATE, {
        policy: larger(),
        offers: read([...soldOut("rung-4"), ...offersOf("rung-8")]),
      })
      expect(says).toContain("rung-4")
      expect(says).toContain("sold-out")
      expect(says).toContain("rung-8")
    })

    it("sold_out: next-larger checks the budget for the larger rung", () => {
      const priced = ladder.map((rung) => ({
        ...rung,
        price: { amount: rung.servers * 10, currency: "CNY", per: "month" as const },
      }))
      const policy = larger({
        ladder: priced,
        limits: { actions: "2 per 24h", servers: 48, budget: { amount: 59, currency: "CNY", per: "30d" } },
      })
      expect(decisionOf({ policy, offers: read(offersOf("rung-4", "rung-8")) }).kind).toBe("scale-up")
      expect(decisionOf({ policy, offers: read([...soldOut("rung-4"), ...offersOf("rung-8")]) }).heldBy).toBe(
        "over-budget",
      )
    })
  })
})
