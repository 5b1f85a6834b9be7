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
    ["passes if nothing was ever bought", {}, true],
    [
      "holds while the cooldown from completion lasts another millisecond",
      { completedAt: NOW - HOUR + 1 },
      false,
    ],
    ["passes when the cooldown from completion is over", { completedAt: NOW - HOUR }, true],
    [
      "holds while min_interval from the request lasts another millisecond",
      { purchases: [bought(30 * MINUTE - 1)] },
      false,
    ],
    ["passes when min_interval from the request is over", { purchases: [bought(30 * MINUTE)] }, true],
    [
      "holds until min_interval ends if that is later than the cooldown",
      { completedAt: NOW - HOUR, purchases: [bought(10 * MINUTE)] },
      false,
    ],
    [
      "holds until the cooldown ends if that is later than min_interval",
      { completedAt: NOW - 10 * MINUTE, purchases: [bought(5 * HOUR)] },
      false,
    ],
    [
      "counts from the newest of several requests",
      { purchases: [bought(10 * MINUTE), bought(5 * HOUR)] },
      false,
    ],
    ["holds if a person scaled by hand less than the cooldown ago", { foreignAt: NOW - HOUR + 1 }, false],
    ["passes if a person scaled by hand longer ago than the cooldown", { foreignAt: NOW - HOUR }, true],
  ])("gate cooldown-over %s", (_, state, passed) => {
    expect(cooling(state)).toEqual(passed ? [true, null] : [false, "cooldown"])
  })

  it("neither an attempt without a purchase nor a plan that was only decided starts the cooldown", () => {
    // An attempt was opened a minute ago and closed without a purchase: no purchase is kept.
    const state = {
      openedAt: NOW - MINUTE,
      lastDecision: { at: NOW - MINUTE, kind: "hold" as const, heldBy: "sold-out", to: 4, planHash: null },
    }
    expect(cooling(state)).toEqual([true, null])
  })

  it.each<[string, number, boolean]>([
    ["a minute ago, so the cooldown lasts", MINUTE, false],
    ["an hour ago, so the cooldown is over", HOUR, true],
  ])("on an empty chain every server counts as external: the newest was created %s", (_, ago, passed) => {
    const servers = [serverOf("s1"), serverOf("s2", { createAt: NOW - ago })]
    expect(cooling({ servers: null }, { supernode: read(supernodeOf({ servers })) })).toEqual(
      passed ? [true, null] : [false, "cooldown"],
    )
  })

  it("the cooldown applies to alarms, ticks and people alike", () => {
    for (const signal of [alarmOf(), tickOf(), requestOf()]) {
      expect(cooling({ completedAt: NOW - MINUTE }, { signal })).toEqual([false, "cooldown"])
    }
  })

  it("a person may bypass the cooldown, but no other gate, and the finding records the bypass", () => {
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

  it("gate cooldown-over names the end of the cooldown", () => {
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
    ["allows a purchase if nothing was bought", [], true],
    ["allows a purchase if one was made", [bought(HOUR)], true],
    ["allows no purchase if two were made", [bought(HOUR), bought(2 * HOUR)], false],
    ["allows a purchase if one of two has just left the window", [bought(HOUR), bought(DAY)], true],
    [
      "allows no purchase if one of two leaves the window in a millisecond",
      [bought(HOUR), bought(DAY - 1)],
      false,
    ],
    [
      "counts reserved purchases like booked ones",
      [bought(HOUR, { state: "reserved" }), bought(2 * HOUR)],
      false,
    ],
  ])("a limit of 2 actions per 24 h %s", (_, purchases, passed) => {
    expect(rate(...purchases)).toEqual(passed ? [true, null, null] : [false, "action-rate", "action-rate"])
  })

  it("a limit of 0 actions per 24 h allows nothing", () => {
    const policy = policyOf({ limits: { actions: "0 per 24h", servers: 48 } })
    expect(outcomeAt("action-rate", { policy })).toEqual([false, "action-rate", "action-rate"])
  })
})
