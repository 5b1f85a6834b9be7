import { describe, expect, it } from "vitest"
import type { Situation } from "../../../lib/decision/situation.ts"
import type { Purchase } from "../../../lib/decision/state/purchases.ts"
import type { SupernodeState } from "../../../lib/decision/state/state.ts"
import {
  alarmOf,
  DAY,
  HOUR,
  MINUTE,
  NOW,
  policyOf,
  read,
  requestOf,
  serverOf,
  stateWith,
  supernodeOf,
  tickOf,
} from "../builders.ts"
import { findingOf, outcomeAt } from "../judge.ts"

const bought = (ago: number, over: Partial<Purchase> = {}): Purchase => ({
  attempt: `attempt-${ago}`,
  at: NOW - ago,
  cost: null,
  state: "booked",
  ...over,
})
const KNOWN = { servers: ["s1", "s2"] }

/** Warm-up 0, so that only the wait under test blocks. */
function cooling(state: Partial<SupernodeState>, rest: Partial<Situation> = {}) {
  const policy = policyOf({ warmup: "0s", limits: { actions: "9 per 24h", servers: 48 } })
  return outcomeAt("cooldown-over", {
    policy,
    state: stateWith({ ...KNOWN, ...state }),
    ...rest,
  }).slice(0, 2)
}

describe("cooldown-over", () => {
  it.each<[string, Partial<SupernodeState>, boolean]>([
    ["nothing was ever bought", {}, true],
    ["the cooldown from completion lasts another millisecond", { completedAt: NOW - HOUR + 1 }, false],
    ["the cooldown from completion is over", { completedAt: NOW - HOUR }, true],
    [
      "min_interval from the request lasts another millisecond",
      { purchases: [bought(30 * MINUTE - 1)] },
      false,
    ],
    ["min_interval from the request is over", { purchases: [bought(30 * MINUTE)] }, true],
    [
      "completion came at once, and min_interval is the later end",
      { completedAt: NOW - HOUR, purchases: [bought(10 * MINUTE)] },
      false,
    ],
    [
      "completion came late, and its cooldown is the later end",
      { completedAt: NOW - 10 * MINUTE, purchases: [bought(5 * HOUR)] },
      false,
    ],
    ["the newest of several requests counts", { purchases: [bought(10 * MINUTE), bought(5 * HOUR)] }, false],
    ["a person scaled by hand less than the cooldown ago", { foreignAt: NOW - HOUR + 1 }, false],
    ["a person scaled by hand longer ago", { foreignAt: NOW - HOUR }, true],
  ])("decides as follows when %s", (_, state, passed) => {
    expect(cooling(state)).toEqual(passed ? [true, null] : [false, "cooldown"])
  })

  it("is not started by an attempt that was refused or not sent, nor by a plan that was only shown or decided", () => {
    // An attempt was opened a minute ago and closed without a purchase: no purchase is kept.
    const state = {
      openedAt: NOW - MINUTE,
      lastDecision: { at: NOW - MINUTE, kind: "hold" as const, heldBy: "sold-out", to: 4, planHash: null },
    }
    expect(cooling(state)).toEqual([true, null])
  })

  it.each<[string, number, boolean]>([
    ["a minute ago", MINUTE, false],
    ["more than the cooldown ago", HOUR, true],
  ])("counts every server as external on an empty chain: the newest was created %s", (_, ago, passed) => {
    const servers = [serverOf("s1"), serverOf("s2", { createAt: NOW - ago })]
    expect(cooling({ servers: null }, { supernode: read(supernodeOf({ servers })) })).toEqual(
      passed ? [true, null] : [false, "cooldown"],
    )
  })

  it("applies to alarms, ticks and people alike", () => {
    for (const signal of [alarmOf(), tickOf(), requestOf()]) {
      expect(cooling({ completedAt: NOW - MINUTE }, { signal })).toEqual([false, "cooldown"])
    }
  })

  it("is bypassed by a person who asks for it, on the record; no other gate is", () => {
    const signal = requestOf({ bypassCooldown: true })
    expect(cooling({ completedAt: NOW - MINUTE }, { signal })).toEqual([true, null])
    const state = stateWith({
      ...KNOWN,
      completedAt: NOW - MINUTE,
      purchases: [bought(MINUTE), bought(2 * MINUTE)],
    })
    expect(findingOf("cooldown-over", { signal, state }).facts).toMatchObject({ bypassed: true })
    expect(outcomeAt("action-rate", { signal, state })).toEqual([false, "action-rate", "action-rate"])
  })

  it("names its end", () => {
    expect(
      findingOf("cooldown-over", { state: stateWith({ ...KNOWN, completedAt: NOW - 20 * MINUTE }) }).says,
    ).toBe("cooling down until 2024-01-12T17:40:00.000Z, another 40m")
  })
})

describe("action-rate", () => {
  const rate = (...purchases: Purchase[]) =>
    outcomeAt("action-rate", {
      policy: policyOf({ limits: { actions: "2 per 24h", servers: 48 } }),
      state: stateWith({ ...KNOWN, purchases }),
    })

  it.each<[string, Purchase[], boolean]>([
    ["nothing was bought", [], true],
    ["one of two is used", [bought(HOUR)], true],
    ["both are used", [bought(HOUR), bought(2 * HOUR)], false],
    ["one of them has just left the window", [bought(HOUR), bought(DAY)], true],
    ["one of them leaves the window in a millisecond", [bought(HOUR), bought(DAY - 1)], false],
    [
      "what is reserved counts like what is booked",
      [bought(HOUR, { state: "reserved" }), bought(2 * HOUR)],
      false,
    ],
  ])("allows 2 per 24h, or not, when %s", (_, purchases, passed) => {
    expect(rate(...purchases)).toEqual(passed ? [true, null, null] : [false, "action-rate", "action-rate"])
  })

  it("allows nothing at 0 per 24h", () => {
    const policy = policyOf({ limits: { actions: "0 per 24h", servers: 48 } })
    expect(outcomeAt("action-rate", { policy })).toEqual([false, "action-rate", "action-rate"])
  })
})
