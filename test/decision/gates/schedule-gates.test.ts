import { describe, expect, it } from "vitest"
import { NOT_FETCHED } from "../../../lib/decision/inputs/fetched.ts"
import type { Policy } from "../../../lib/decision/policy/policy.ts"
import type { Situation } from "../../../lib/decision/situation.ts"
import {
  alarmOf,
  DAY,
  HOUR,
  MINUTE,
  NOW,
  offersOf,
  type PolicyInput,
  policyOf,
  read,
  readingOf,
  requestOf,
  ruleInput,
  scheduleInput,
  serversOf,
  stateWith,
  supernodeOf,
  tickOf,
  unreadable,
} from "../builders.ts"
import { decisionOf, findingOf } from "../judge.ts"

// Friday, 12 January 2024, 17:00 UTC. The ladder is 1, 2, 4; the supernode has two servers.

type Floor = Parameters<typeof scheduleInput>[0]

/** `day`: at least 4 servers, since 8:00. */
function floors(inputs: Floor[] = [{}], over: Partial<PolicyInput> = {}): Policy {
  return policyOf({ schedules: inputs.map((input) => scheduleInput(input)), warmup: "0s", ...over })
}

const quiet = read([readingOf([10, 10, 10, 10, 10])])
const busy = read([readingOf([97, 97, 97, 97, 97])])
const silent = read([readingOf([null, null, null, null, null])])
const KNOWN = stateWith({ servers: ["s1", "s2"] })
const TICK: Partial<Situation> = { signal: tickOf(), readings: quiet, state: KNOWN }

function demandOf(policy: Policy, over: Partial<Situation> = {}) {
  const { kind, heldBy, target } = decisionOf({ ...TICK, policy, ...over })
  return { kind, heldBy, to: target?.to ?? null, rules: target?.rules, schedules: target?.schedules }
}

const DAY_ACTS = [{ schedule: "day", occurrence: "2024-01-12T08:00", atLeast: 4 }]
const BOUGHT = { kind: "scale-up", heldBy: null, to: 4, rules: [], schedules: DAY_ACTS }
const handledAt = (key: string) =>
  stateWith({ servers: ["s1", "s2"], acted: { [key]: { at: NOW - HOUR, attempt: "attempt-1" } } })

describe("a floor of an active schedule", () => {
  it("a floor of an active schedule demands its servers, and the finding names the start of the schedule", () => {
    expect(demandOf(floors())).toEqual(BOUGHT)
    expect(findingOf("evidence", { ...TICK, policy: floors() })).toMatchObject({
      passed: true,
      says: "npu-busy: 0 of 5 points above 85 (3 needed); schedule day requires at least 4 servers since Fri 2024-01-12 08:00 +00:00 UTC (2024-01-12T08:00:00Z)",
      facts: {
        rules: [{ rule: "npu-busy", verdict: "not-breaching" }],
        schedules: [
          {
            schedule: "day",
            verdict: "wanted",
            atLeast: 4,
            servers: 4,
            since: NOW - 9 * HOUR,
            occurrence: "2024-01-12T08:00",
          },
        ],
      },
    })
  })

  it.each<[string, Partial<Situation>]>([
    ["a tick", {}],
    ["an alarm", { signal: alarmOf() }],
    ["a person's request that names no number of servers", { signal: requestOf({ servers: null }) }],
  ])("a floor of an active schedule applies to %s", (_, over) => {
    expect(demandOf(floors(), over)).toEqual(BOUGHT)
  })

  it("a floor does not apply to a person's request for a number of servers: only that number counts", () => {
    const policy = floors([{ at_least: 4 }])
    const { target } = decisionOf({ ...TICK, policy, signal: requestOf({ servers: 4 }) })
    expect(target).toEqual({ flavor: "rung-4", from: 2, to: 4, rules: [] })
  })

  it.each<[string, Floor, string | null]>([
    ["demands nothing before it starts", { cron: "1 17 * * *" }, "not-breaching"],
    ["demands nothing after it is over: its end has no effect", { for: "9h" }, "not-breaching"],
    [
      "demands nothing if its start was missed and it is over: there is no backfill",
      { cron: "0 8 11 * *" },
      "not-breaching",
    ],
    [
      "demands its servers while it is active, even if no run saw its start",
      { cron: "0 8 11 * *", for: "36h" },
      null,
    ],
    ["demands nothing if as many servers are present", { at_least: 2 }, "already-there"],
    ["demands nothing if more servers are present", { at_least: 1 }, "already-there"],
  ])("a schedule's floor %s", (_, floor, heldBy) => {
    expect(demandOf(floors([floor])).heldBy).toBe(heldBy)
  })

  it("a schedule's floor means the smallest rung with enough servers", () => {
    const ladder = [1, 2, 4, 8].map((servers) => ({ flavor: `rung-${servers}`, servers }))
    const offers = read(offersOf("rung-4", "rung-8"))
    expect(demandOf(floors([{ at_least: 3 }], { ladder }), { offers }).to).toBe(4)
    expect(demandOf(floors([{ at_least: 5 }], { ladder }), { offers }).to).toBe(8)
  })

  it("a schedule's floor is clamped to the servers limit like a rule's proposal", () => {
    const ladder = [2, 4, 8].map((servers) => ({ flavor: `rung-${servers}`, servers }))
    const limits = { actions: "2 per 24h", servers: 6 }
    expect(demandOf(floors([{ at_least: 6 }], { ladder, limits })).to).toBe(4)
    const four = read(supernodeOf({ servers: serversOf(4) }))
    expect(demandOf(floors([{ at_least: 6 }], { ladder, limits }), { supernode: four }).heldBy).toBe(
      "at-limit",
    )
  })

  it("a schedule's floor may buy the next larger rung if the floor's rung is sold out", () => {
    const ladder = [2, 4, 8].map((servers) => ({ flavor: `rung-${servers}`, servers }))
    const offers = read([{ flavor: "rung-4", soldOut: true }, ...offersOf("rung-8")])
    expect(demandOf(floors([{}], { ladder, sold_out: "next-larger" }), { offers }).to).toBe(8)
    expect(demandOf(floors([{}], { ladder }), { offers }).heldBy).toBe("sold-out")
  })

  it.each<[string, Partial<Situation>, string]>([
    [
      "the number of actions",
      {
        state: stateWith({
          purchases: [1, 2].map((i) => ({
            attempt: `a${i}`,
            at: NOW - 2 * HOUR,
            cost: null,
            state: "booked",
          })),
        }),
      },
      "action-rate",
    ],
    [
      "a breaker",
      { state: stateWith({ breaker: { class: "balance", since: NOW, says: "no money" } }) },
      "breaker",
    ],
    [
      "a supernode that is not ready",
      { supernode: read(supernodeOf({ status: "REIMAGING" })) },
      "supernode-not-ready",
    ],
    ["offers that could not be read", { offers: unreadable() }, "offers-unreadable"],
    ["an old signal", { signal: tickOf({ at: NOW - HOUR }) }, "stale"],
    ["the cooldown", { state: stateWith({ completedAt: NOW - MINUTE }) }, "cooldown"],
  ])("a schedule's floor is held by %s like any other demand", (_, over, heldBy) => {
    expect(demandOf(floors(), over).heldBy).toBe(heldBy)
  })
})

describe("overlapping floors", () => {
  it("overlapping floors give the highest one, never the sum", () => {
    const policy = floors([
      { name: "one", at_least: 2 },
      { name: "two", at_least: 2, cron: "0 9 * * *" },
      { name: "three", at_least: 1 },
    ])
    const supernode = read(supernodeOf({ servers: serversOf(1) }))
    const state = stateWith({ servers: ["s1"] })
    expect(demandOf(policy, { supernode, state })).toEqual({
      kind: "scale-up",
      heldBy: null,
      to: 2,
      rules: [],
      schedules: [
        { schedule: "one", occurrence: "2024-01-12T08:00", atLeast: 2 },
        { schedule: "two", occurrence: "2024-01-12T09:00", atLeast: 2 },
      ],
    })
  })
})

describe("floors and rules together", () => {
  const LADDER = [1, 2, 4, 8].map((servers) => ({ flavor: `rung-${servers}`, servers }))
  const offers = read(offersOf("rung-1", "rung-2", "rung-4", "rung-8"))
  const both = (atLeast: number, up: number) => {
    const rule = ruleInput({ steps: [{ from: 85, up }] })
    delete rule.above
    return floors([{ at_least: atLeast }], { ladder: LADDER, rules: [rule] })
  }

  it.each<[string, number, number, number, string[]]>([
    ["a rule demands more", 4, 2, 8, ["npu-busy"]],
    ["a floor demands more, and the purchase names no rule as its cause", 8, 1, 8, []],
    ["both demand equally much, and the purchase names the rule and the floor", 4, 1, 4, ["npu-busy"]],
  ])("floors and rules together give the highest demand, never the sum: %s", (_, atLeast, up, to, rules) => {
    expect(demandOf(both(atLeast, up), { readings: busy, offers })).toEqual({
      ...BOUGHT,
      to,
      rules,
      schedules: [{ ...DAY_ACTS[0], atLeast }],
    })
  })

  it("a floor that is met does not block a rule that demands more", () => {
    const result = demandOf(both(2, 1), { readings: busy, offers })
    expect(result).toMatchObject({ kind: "scale-up", to: 4, rules: ["npu-busy"] })
    expect(result.schedules).toBeUndefined()
  })

  it.each<[string, Partial<Situation>]>([
    ["missing", { readings: silent }],
    ["unreadable", { readings: unreadable() }],
    ["forbidden (HTTP 403)", { readings: unreadable("HTTP 403", true) }],
  ])("buys for a floor even if metrics are %s, because the floor is the operator's decision", (_, over) => {
    expect(demandOf(floors(), over)).toEqual(BOUGHT)
  })

  it("missing metrics hold with their own reason if no floor is active, and are mentioned beside an active floor", () => {
    const asleep = floors([{ cron: "0 18 * * *" }])
    expect(demandOf(asleep, { readings: silent }).heldBy).toBe("missing-data")
    expect(demandOf(asleep, { readings: unreadable("HTTP 403", true) }).heldBy).toBe("credentials")
    expect(findingOf("evidence", { ...TICK, policy: floors(), readings: unreadable("HTTP 500") }).says).toBe(
      "the metrics could not be read: HTTP 500; schedule day requires at least 4 servers since Fri 2024-01-12 08:00 +00:00 UTC (2024-01-12T08:00:00Z)",
    )
  })

  it("a latched rule demands nothing beside an active floor", () => {
    const policy = floors([{}], { rules: [ruleInput({ repeat: false })] })
    const state = stateWith({ servers: ["s1", "s2"], latches: { "npu-busy": NOW - DAY } })
    expect(demandOf(policy, { readings: busy, state })).toEqual(BOUGHT)
  })
})

describe("a schedule start", () => {
  it("a schedule start leads to one purchase, and the finding then says that the start demands no more", () => {
    const state = handledAt("day 2024-01-12T08:00")
    expect(demandOf(floors(), { state }).heldBy).toBe("not-breaching")
    expect(findingOf("evidence", { ...TICK, policy: floors(), state }).says).toContain(
      "schedule day requires at least 4 servers since Fri 2024-01-12 08:00 +00:00 UTC (2024-01-12T08:00:00Z); a purchase for this start was made at 2024-01-12T16:00:00.000Z",
    )
  })

  it.each<[string, string]>([
    ["only a start on another day has led to a purchase", "day 2024-01-11T08:00"],
    ["only another schedule has led to a purchase", "night 2024-01-12T08:00"],
  ])("a schedule start may still lead to a purchase when %s", (_, key) => {
    expect(demandOf(floors(), { state: handledAt(key) })).toEqual(BOUGHT)
  })

  it.each<[string, string, number, string | null]>([
    ["counts as new if its floor was raised after the purchase", "day 2024-01-12T08:00 2", 4, null],
    [
      "demands nothing more if its floor is unchanged after the purchase",
      "day 2024-01-12T08:00 4",
      4,
      "not-breaching",
    ],
    [
      "demands nothing more if its floor was lowered after the purchase",
      "day 2024-01-12T08:00 8",
      4,
      "not-breaching",
    ],
    [
      "is not confused with that of a schedule whose name begins alike",
      "day-two 2024-01-12T08:00 4",
      4,
      null,
    ],
  ])("a schedule start %s", (_, key, atLeast, heldBy) => {
    expect(demandOf(floors([{ at_least: atLeast }]), { state: handledAt(key) }).heldBy).toBe(heldBy)
  })

  it("a schedule start with a purchase does not stop a rule from buying more", () => {
    expect(demandOf(floors(), { state: handledAt("day 2024-01-12T08:00"), readings: busy })).toMatchObject({
      kind: "scale-up",
      to: 4,
      rules: ["npu-busy"],
    })
  })

  it("a schedule is switched off by an order that the cloud called invalid, until the policy changes", () => {
    const policy = floors()
    const policyHash = "sha256:now"
    const off = (hash: string) => stateWith({ servers: ["s1", "s2"], rulesOff: { "schedule:day": hash } })
    expect(demandOf(policy, { policyHash, state: off("sha256:now") }).heldBy).toBe("latched")
    expect(findingOf("evidence", { ...TICK, policy, policyHash, state: off("sha256:now") }).says).toContain(
      "switched off by a refused order until the policy changes",
    )
    expect(demandOf(policy, { policyHash, state: off("sha256:before") })).toEqual(BOUGHT)
  })
})

describe("a schedule with cooldown: bypass", () => {
  // An operator scaled by hand a minute ago: unlike a purchase of ours, that makes no metric too young to be
  // evidence.
  const COOLING = stateWith({ servers: ["s1"], foreignAt: NOW - MINUTE })
  const one = { supernode: read(supernodeOf({ servers: serversOf(1) })), state: COOLING }
  const bypass = { name: "bypass", cooldown: "bypass" as const, at_least: 2 }

  it("a floor with cooldown: bypass bypasses the cooldown, and the finding records the bypass", () => {
    expect(demandOf(floors([bypass]), one)).toMatchObject({ kind: "scale-up", to: 2 })
    expect(findingOf("cooldown-over", { ...TICK, ...one, policy: floors([bypass]) })).toMatchObject({
      passed: true,
      says: "bypassed by schedule bypass: the cooldown would have lasted until 2024-01-12T17:59:00.000Z",
      facts: { bypassed: true, schedules: ["bypass"], until: NOW + 59 * MINUTE },
    })
  })

  it.each<[string, Partial<Situation>, string]>([
    [
      "the number of actions",
      {
        state: stateWith({
          ...COOLING,
          purchases: [1, 2].map((i) => ({ attempt: `a${i}`, at: NOW - HOUR, cost: null, state: "booked" })),
        }),
      },
      "action-rate",
    ],
    [
      "the wait after too many requests",
      { state: stateWith({ ...COOLING, throttle: { until: NOW + 1, times: 1 } }) },
      "backoff",
    ],
    ["the offers", { offers: read(offersOf("rung-4")) }, "not-offered"],
  ])("a floor with cooldown: bypass bypasses no other gate: %s", (_, over, heldBy) => {
    expect(demandOf(floors([bypass]), { ...one, ...over }).heldBy).toBe(heldBy)
  })

  it.each<[string, Floor[], Partial<Situation>]>([
    ["when enough servers are present", [bypass], { supernode: read(supernodeOf()) }],
    [
      "when its start has led to a purchase",
      [bypass],
      { state: { ...COOLING, acted: { "bypass 2024-01-12T08:00": { at: NOW - HOUR, attempt: "a" } } } },
    ],
    ["when its schedule is not active", [{ ...bypass, cron: "0 18 * * *" }], {}],
    ["when its schedule respects the cooldown", [{ ...bypass, cooldown: "respect" }], {}],
  ])("a floor does not bypass the cooldown %s", (_, schedules, over) => {
    expect(demandOf(floors(schedules), { ...one, readings: busy, ...over }).heldBy).toBe("cooldown")
  })

  it("a floor with cooldown: bypass does not extend the bypass to a person's request", () => {
    const signal = requestOf({ servers: 2 })
    expect(demandOf(floors([bypass]), { ...one, signal }).heldBy).toBe("cooldown")
  })

  describe("a bypassing floor beside a higher proposal that must wait", () => {
    const big = ruleInput({ steps: [{ from: 85, up: 2 }] })
    delete big.above

    it.each<[string, Policy, Partial<Situation>]>([
      ["a rule", floors([bypass], { rules: [big] }), { readings: busy }],
      ["a schedule that respects the cooldown", floors([bypass, { name: "big", at_least: 4 }]), {}],
    ])(
      "a floor that bypasses the cooldown is bought now, while the higher demand of %s waits",
      (_, policy, over) => {
        expect(demandOf(policy, { ...one, ...over })).toEqual({
          kind: "scale-up",
          heldBy: null,
          to: 2,
          rules: [],
          schedules: [{ schedule: "bypass", occurrence: "2024-01-12T08:00", atLeast: 2 }],
        })
      },
    )

    it("a floor that bypasses the cooldown also satisfies a rule that demands no more", () => {
      expect(demandOf(floors([bypass]), { ...one, readings: busy })).toMatchObject({
        to: 2,
        rules: ["npu-busy"],
      })
    })

    it.each<[string, number | null]>([
      ["nothing was bought yet", null],
      ["the cooldown ends this moment", NOW - HOUR],
      ["the cooldown ended an hour ago", NOW - 2 * HOUR],
    ])(
      "without a cooldown, a higher demand is bought instead of a floor that may bypass the cooldown: %s",
      (_, foreignAt) => {
        const state = stateWith({ servers: ["s1"], foreignAt })
        const policy = floors([bypass], { rules: [big] })
        expect(demandOf(policy, { ...one, state, readings: busy })).toMatchObject({
          to: 4,
          rules: ["npu-busy"],
        })
      },
    )

    it("a floor that bypasses the cooldown does not limit a person's request that bypasses the cooldown as well", () => {
      const signal = requestOf({ servers: null, bypassCooldown: true })
      const policy = floors([bypass], { rules: [big] })
      expect(demandOf(policy, { ...one, signal, readings: busy })).toMatchObject({
        to: 4,
        rules: ["npu-busy"],
      })
    })

    it("the higher of two floors that bypass the cooldown is bought", () => {
      const policy = floors([bypass, { ...bypass, name: "higher", at_least: 4 }])
      expect(demandOf(policy, one).to).toBe(4)
      expect(findingOf("cooldown-over", { ...TICK, ...one, policy }).facts["schedules"]).toEqual(["higher"])
    })
  })

  it("gate cooldown-over has no verdict before the supernode is read if a floor may bypass the cooldown", () => {
    const unread = { ...one, supernode: NOT_FETCHED, readings: NOT_FETCHED, offers: NOT_FETCHED }
    const finding = findingOf("cooldown-over", { ...TICK, ...unread, policy: floors([bypass]) })
    expect(finding).toMatchObject({ passed: null, facts: { until: NOW + 59 * MINUTE } })
    expect(demandOf(floors([bypass]), unread)).toMatchObject({ kind: "hold", heldBy: null })
    expect(demandOf(floors([{ ...bypass, cooldown: "respect" }]), unread).heldBy).toBe("cooldown")
  })
})

it("the evidence finding is plain JSON, without schedules if the policy has none active", () => {
  const decision = decisionOf({ ...TICK, policy: floors() })
  expect(JSON.parse(JSON.stringify(decision))).toEqual(decision)
  const without = findingOf("evidence", { ...TICK, policy: floors([{ cron: "0 18 * * *" }]) })
  expect(Object.keys(without.facts)).toEqual(["rules", "nearest"])
})
