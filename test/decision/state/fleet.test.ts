import { describe, expect, it } from "vitest"
import {
  type ChainTip,
  fleetSince,
  hasFleetCap,
  spendOfOthers,
} from "../../../lib/decision/money/fleet-spend.ts"
import {
  type FleetChange,
  foldFleet,
  NO_FLEET,
  type Reservation,
} from "../../../lib/decision/state/fleet-reservations.ts"
import { DAY, HOUR, NOW, policyOf, SECOND } from "../builders.ts"

const A = "supernode:a"
const B = "supernode:b"
const COST = { minor: 100, currency: "CNY" }

const reservation = (id: string, over: Partial<Reservation> = {}): Reservation => ({
  id,
  openedAt: NOW,
  sendBefore: NOW + 30 * SECOND,
  deadline: NOW + 90 * SECOND,
  stream: A,
  seq: 3,
  cost: COST,
  ...over,
})
const news = (of: Reservation, over: Partial<FleetChange> = {}): FleetChange => ({
  reservation: of,
  over: [],
  members: {},
  ...over,
})
const reserved = (...all: Reservation[]) =>
  all.reduce((fleet, one) => foldFleet(fleet, { kind: "opened", at: NOW, change: news(one) }), NO_FLEET)
const tips = (over: Record<string, Partial<ChainTip>>) =>
  new Map(Object.entries(over).map(([stream, tip]) => [stream, { seq: 0, purchases: [], ...tip }]))
const count = (fleet = NO_FLEET, seen = tips({}), own = "supernode:me") =>
  spendOfOthers(fleet, seen, { own, since: NOW - DAY + 1 }).purchases.map(({ attempt }) => attempt)

describe("the state of stream fleet", () => {
  it("stream fleet keeps a reservation until it is released, or until another reservation drops it", () => {
    const both = reserved(reservation("x"), reservation("y", { stream: B }))
    expect(both.pending.map(({ id }) => id)).toEqual(["x", "y"])
    const given = foldFleet(both, { kind: "settled", at: NOW, change: news(reservation("x")) })
    expect(given.pending.map(({ id }) => id)).toEqual(["y"])
    const next = news(reservation("z"), { over: ["y"] })
    expect(foldFleet(given, { kind: "opened", at: NOW, change: next }).pending.map(({ id }) => id)).toEqual([
      "z",
    ])
  })

  it("stream fleet ignores the release of a reservation that it does not hold", () => {
    const given = foldFleet(reserved(reservation("x")), {
      kind: "settled",
      at: NOW,
      change: news(reservation("y")),
    })
    expect(given.pending.map(({ id }) => id)).toEqual(["x"])
  })

  it("stream fleet remembers members with purchases as long as any window can count them", () => {
    const one = foldFleet(NO_FLEET, {
      kind: "opened",
      at: NOW,
      change: news(reservation("x"), { members: { [B]: NOW - DAY } }),
    })
    expect(one.members).toEqual({ [A]: NOW, [B]: NOW - DAY })
    const later = (days: number) =>
      foldFleet(one, {
        kind: "opened",
        at: NOW + days * DAY,
        confirmedAt: NOW + days * DAY,
        change: news(reservation("x", { openedAt: NOW })),
      })
    expect(Object.keys(later(399.5).members)).toEqual([A])
    expect(later(401).members).toEqual({})
    expect(later(366).members).toEqual({ [A]: NOW, [B]: NOW - DAY })
  })

  it("stream fleet keeps a member's newest purchase time despite an older reading", () => {
    const again = foldFleet(reserved(reservation("x")), {
      kind: "opened",
      at: NOW,
      change: news(reservation("y", { stream: B }), { members: { [A]: NOW - HOUR } }),
    })
    expect(again.members[A]).toBe(NOW)
  })
})

describe("other supernodes' possible spending", () => {
  const purchase = (attempt: string, at = NOW - HOUR) => ({
    attempt,
    at,
    cost: COST,
    state: "booked" as const,
  })

  it.each<[string, number, string[]]>([
    ["counts while its chain has no entry at the reserved seq", 2, ["x"]],
    ["does not count once its chain has an entry at the reserved seq", 3, []],
    ["does not count once its chain has entries after the reserved seq", 9, []],
  ])("another supernode's reservation %s", (_, seq, counted) => {
    expect(count(reserved(reservation("x")), tips({ [A]: { seq } }))).toEqual(counted)
  })

  it("another supernode's reservation counts if its chain does not exist yet", () => {
    expect(count(reserved(reservation("x", { seq: 1 })))).toEqual(["x"])
  })

  it("another supernode's opened attempt counts once, as an attempt in its chain and not as a reservation", () => {
    const opened = tips({ [A]: { seq: 3, purchases: [purchase("x")] } })
    expect(count(reserved(reservation("x")), opened)).toEqual(["x"])
  })

  it("another supernode's attempt does not count once its chain has released it", () => {
    expect(count(reserved(reservation("x")), tips({ [A]: { seq: 4 } }))).toEqual([])
  })

  it("the count of other supernodes' spending omits this supernode's own purchases and reservations", () => {
    const seen = tips({
      [A]: { seq: 2, purchases: [purchase("w")] },
      [B]: { seq: 1, purchases: [purchase("b")] },
    })
    expect(count(reserved(reservation("x")), seen, A)).toEqual(["b"])
  })

  it("other supernodes' spending omits purchases that are older than every window", () => {
    const seen = tips({
      [A]: { seq: 9, purchases: [purchase("old", NOW - DAY), purchase("new", NOW - DAY + 1)] },
    })
    expect(count(NO_FLEET, seen)).toEqual(["new"])
  })
})

describe("a policy's caps across supernodes", () => {
  const actions = { count: 2, perMs: DAY }
  const budget = { ...COST, per: 30 * DAY }

  it.each([
    ["empty without a fleet", null, false, 0],
    ["empty if neither cap is set", { actions: null, budget: null }, false, 0],
    ["the window of the action cap, if no budget is set", { actions, budget: null }, true, DAY - 1],
    ["the window of the budget, if no action cap is set", { actions: null, budget }, true, 30 * DAY - 1],
    ["the longer one if both caps are set", { actions, budget }, true, 30 * DAY - 1],
    [
      "the window of the action cap, if the calendar month is shorter",
      { actions: { count: 2, perMs: 20 * DAY }, budget: { ...COST, per: "month" as const } },
      true,
      20 * DAY - 1,
    ],
    [
      "the calendar month, if the month is longer",
      { actions, budget: { ...COST, per: "month" as const } },
      true,
      11 * DAY + 17 * HOUR,
    ],
  ])("the window of caps across supernodes is %s", (_, fleet, has, backMs) => {
    expect(hasFleetCap(policyOf({}, { fleet }))).toBe(has)
    expect(NOW - fleetSince(policyOf({}, { fleet }), NOW)).toBe(backMs)
  })
})
