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
    ["it is listed and in stock", { offers: read(offersOf("rung-4")) }, null],
    ["it is not listed", { offers: read(offersOf("rung-1", "rung-2")) }, "not-offered"],
    ["nothing is listed at all", { offers: read([]) }, "not-offered"],
    ["it is sold out", { offers: read(soldOut("rung-4")) }, "sold-out"],
    ["another one is sold out", { offers: read([...offersOf("rung-4"), ...soldOut("rung-2")]) }, null],
    [
      "it is listed twice, once as sold out: neither word is clear",
      { offers: read([...offersOf("rung-4"), ...soldOut("rung-4")]) },
      "offers-unreadable",
    ],
    ["its flag is unreadable", { offers: read(unclear("rung-4")) }, "offers-unreadable"],
    [
      "the flag of another one is unreadable: it spoils its own offer only",
      { offers: read([...offersOf("rung-4"), ...unclear("rung-2")]) },
      null,
    ],
    ["it was refused for capacity and is blocked", { state: blockedUntil(NOW + 1) }, "flavor-blocked"],
    ["its block is over", { state: blockedUntil(NOW) }, null],
    [
      "another flavor is blocked",
      { state: stateWith({ blocked: { "rung-2": { until: NOW + MINUTE, times: 1 } } }) },
      null,
    ],
    ["the offers could not be read", { offers: unreadable() }, "offers-unreadable"],
    ["the offers were refused by 401 or 403", { offers: unreadable("HTTP 403", true) }, "credentials"],
  ])("decides as follows when %s", (_, over, reason) => {
    expect(outcomeAt(GATE, over)).toEqual([reason === null, reason, reason])
  })

  it("keeps the target, so that the plan can be shown, even if the flavor cannot be bought", () => {
    expect(decisionOf({ offers: read(soldOut("rung-4")) }).target).toMatchObject({ flavor: "rung-4", to: 4 })
  })

  describe("with sold_out: next-larger", () => {
    it.each<[string, Partial<Situation>, number]>([
      ["the wanted rung is in stock: it is bought", { offers: read(offersOf("rung-4", "rung-8")) }, 4],
      [
        "the wanted rung is sold out: the next larger one is bought",
        { offers: read([...soldOut("rung-4"), ...offersOf("rung-8")]) },
        8,
      ],
      [
        "the wanted rung is blocked: the next larger one is bought",
        { offers: read(offersOf("rung-4", "rung-8")), state: blockedUntil(NOW + 1) },
        8,
      ],
    ])("decides as follows: %s", (_, over, to) => {
      expect(decisionOf({ policy: larger(), ...over })).toMatchObject({
        kind: "scale-up",
        target: { flavor: `rung-${to}`, to },
      })
    })

    it("goes up to the servers limit, inclusive", () => {
      const policy = larger({ limits: { actions: "2 per 24h", servers: 8 } })
      const offers = read([...soldOut("rung-4"), ...offersOf("rung-8")])
      expect(decisionOf({ policy, offers })).toMatchObject({ kind: "scale-up", target: { to: 8 } })
    })

    it.each<[string, Partial<Situation>, string]>([
      ["the larger one is sold out too", { offers: read(soldOut("rung-4", "rung-8")) }, "sold-out"],
      ["the larger one is not listed", { offers: read(soldOut("rung-4")) }, "sold-out"],
      [
        "the larger one is above the servers limit",
        {
          offers: read([...soldOut("rung-4"), ...offersOf("rung-8")]),
          policy: larger({ limits: { actions: "2 per 24h", servers: 7 } }),
        },
        "sold-out",
      ],
      [
        "the wanted one is not listed, which is not the same as sold out",
        { offers: read(offersOf("rung-8")) },
        "not-offered",
      ],
      [
        "the flag of the wanted one is unreadable, and the larger one is in stock",
        { offers: read([...unclear("rung-4"), ...offersOf("rung-8")]) },
        "offers-unreadable",
      ],
      [
        "the wanted one is sold out, and the flag of the next larger one is unreadable",
        {
          offers: read([...soldOut("rung-4"), ...unclear("rung-8"), ...offersOf("rung-16")]),
          policy: taller,
        },
        "offers-unreadable",
      ],
      [
        "the wanted one is sold out, and the next larger one is not listed, though a still larger one is in stock",
        { offers: read([...soldOut("rung-4"), ...offersOf("rung-16")]), policy: taller },
        "sold-out",
      ],
      [
        "a person asked for the one that is sold out",
        { offers: read([...soldOut("rung-4"), ...offersOf("rung-8")]), signal: requestOf({ servers: 4 }) },
        "sold-out",
      ],
    ])("holds when %s", (_, over, reason) => {
      expect(decisionOf({ policy: larger(), ...over })).toMatchObject({ kind: "hold", heldBy: reason })
    })

    it("never goes smaller", () => {
      const offers = read([...soldOut("rung-4", "rung-8"), ...offersOf("rung-1", "rung-2")])
      expect(decisionOf({ policy: larger(), offers }).heldBy).toBe("sold-out")
    })

    it("names the wanted rung and the reason for another one", () => {
      const { says } = findingOf(GATE, {
        policy: larger(),
        offers: read([...soldOut("rung-4"), ...offersOf("rung-8")]),
      })
      expect(says).toContain("rung-4")
      expect(says).toContain("sold-out")
      expect(says).toContain("rung-8")
    })

    it("holds the larger rung to the budget like any other", () => {
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
