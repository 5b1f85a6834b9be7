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

// Friday, 12 January 2024, 17:00 UTC. The ladder is 1, 2, 4; two servers are there.

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

describe("An active schedule is a floor", () => {
  it("it wants its servers, and says since when", () => {
    expect(demandOf(floors())).toEqual(BOUGHT)
    expect(findingOf("evidence", { ...TICK, policy: floors() })).toMatchObject({
      passed: true,
      says: "npu-busy: 0 of 5 points above 85 (3 needed); schedule day wants at least 4 servers, since Fri 2024-01-12 08:00 +00:00 UTC (2024-01-12T08:00:00Z)",
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
    ["a person who names no number", { signal: requestOf({ servers: null }) }],
  ])("for %s alike", (_, over) => {
    expect(demandOf(floors(), over)).toEqual(BOUGHT)
  })

  it("but not for a person who names a number: that person alone is asked for", () => {
    const policy = floors([{ at_least: 4 }])
    const { target } = decisionOf({ ...TICK, policy, signal: requestOf({ servers: 4 }) })
    expect(target).toEqual({ flavor: "rung-4", from: 2, to: 4, rules: [] })
  })

  it.each<[string, Floor, string | null]>([
    ["before it starts", { cron: "1 17 * * *" }, "not-breaching"],
    ["after it is over: its end does nothing", { for: "9h" }, "not-breaching"],
    ["when its start was missed and is over: there is no backfill", { cron: "0 8 11 * *" }, "not-breaching"],
    ["while it is active, though nobody looked when it started", { cron: "0 8 11 * *", for: "36h" }, null],
    ["when it is met", { at_least: 2 }, "already-there"],
    ["when more is there", { at_least: 1 }, "already-there"],
  ])("%s", (_, floor, heldBy) => {
    expect(demandOf(floors([floor])).heldBy).toBe(heldBy)
  })

  it("it means the smallest rung that has enough", () => {
    const ladder = [1, 2, 4, 8].map((servers) => ({ flavor: `rung-${servers}`, servers }))
    const offers = read(offersOf("rung-4", "rung-8"))
    expect(demandOf(floors([{ at_least: 3 }], { ladder }), { offers }).to).toBe(4)
    expect(demandOf(floors([{ at_least: 5 }], { ladder }), { offers }).to).toBe(8)
  })

  it("it is clamped to the servers limit like what a rule wants", () => {
    const ladder = [2, 4, 8].map((servers) => ({ flavor: `rung-${servers}`, servers }))
    const limits = { actions: "2 per 24h", servers: 6 }
    expect(demandOf(floors([{ at_least: 6 }], { ladder, limits })).to).toBe(4)
    const four = read(supernodeOf({ servers: serversOf(4) }))
    expect(demandOf(floors([{ at_least: 6 }], { ladder, limits }), { supernode: four }).heldBy).toBe(
      "at-limit",
    )
  })

  it("it may lead to the next larger rung where its own is sold out", () => {
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
      "an attempt in flight",
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
  ])("it is held by %s like anything else", (_, over, heldBy) => {
    expect(demandOf(floors(), over).heldBy).toBe(heldBy)
  })
})

describe("Overlapping floors", () => {
  it("the highest wins, and they are never added", () => {
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

describe("Floors and rules together", () => {
  const LADDER = [1, 2, 4, 8].map((servers) => ({ flavor: `rung-${servers}`, servers }))
  const offers = read(offersOf("rung-1", "rung-2", "rung-4", "rung-8"))
  const both = (atLeast: number, up: number) => {
    const rule = ruleInput({ steps: [{ from: 85, up }] })
    delete rule.above
    return floors([{ at_least: atLeast }], { ladder: LADDER, rules: [rule] })
  }

  it.each<[string, number, number, number, string[]]>([
    ["the rule, if it wants more", 4, 2, 8, ["npu-busy"]],
    ["the floor, if it wants more: then it is no rule's purchase", 8, 1, 8, []],
    ["both, if they want the same", 4, 1, 4, ["npu-busy"]],
  ])("the highest wins, never the sum: %s", (_, atLeast, up, to, rules) => {
    expect(demandOf(both(atLeast, up), { readings: busy, offers })).toEqual({
      ...BOUGHT,
      to,
      rules,
      schedules: [{ ...DAY_ACTS[0], atLeast }],
    })
  })

  it("a floor that is met vetoes no rule that wants more, and is not acted for", () => {
    const result = demandOf(both(2, 1), { readings: busy, offers })
    expect(result).toMatchObject({ kind: "scale-up", to: 4, rules: ["npu-busy"] })
    expect(result.schedules).toBeUndefined()
  })

  it.each<[string, Partial<Situation>]>([
    ["missing", { readings: silent }],
    ["not to be had", { readings: unreadable() }],
    ["forbidden to us", { readings: unreadable("HTTP 403", true) }],
  ])("metrics that are %s do not veto a floor: it is the operator's word", (_, over) => {
    expect(demandOf(floors(), over)).toEqual(BOUGHT)
  })

  it("but alone they hold as ever, with their own reason", () => {
    const asleep = floors([{ cron: "0 18 * * *" }])
    expect(demandOf(asleep, { readings: silent }).heldBy).toBe("missing-data")
    expect(demandOf(asleep, { readings: unreadable("HTTP 403", true) }).heldBy).toBe("credentials")
    expect(findingOf("evidence", { ...TICK, policy: floors(), readings: unreadable("HTTP 500") }).says).toBe(
      "the metrics could not be read: HTTP 500; schedule day wants at least 4 servers, since Fri 2024-01-12 08:00 +00:00 UTC (2024-01-12T08:00:00Z)",
    )
  })

  it("a rule that is latched stays silent beside it", () => {
    const policy = floors([{}], { rules: [ruleInput({ repeat: false })] })
    const state = stateWith({ servers: ["s1", "s2"], latches: { "npu-busy": NOW - DAY } })
    expect(demandOf(policy, { readings: busy, state })).toEqual(BOUGHT)
  })
})

describe("An occurrence acts once", () => {
  it("then it wants nothing more, and says so", () => {
    const state = handledAt("day 2024-01-12T08:00")
    expect(demandOf(floors(), { state }).heldBy).toBe("not-breaching")
    expect(findingOf("evidence", { ...TICK, policy: floors(), state }).says).toContain(
      "schedule day wants at least 4 servers, since Fri 2024-01-12 08:00 +00:00 UTC (2024-01-12T08:00:00Z), and has acted already, at 2024-01-12T16:00:00.000Z",
    )
  })

  it.each<[string, string]>([
    ["another day's start has acted", "day 2024-01-11T08:00"],
    ["another schedule has", "night 2024-01-12T08:00"],
  ])("but it still may when %s", (_, key) => {
    expect(demandOf(floors(), { state: handledAt(key) })).toEqual(BOUGHT)
  })

  it.each<[string, string, number, string | null]>([
    ["counts as a new start where it was raised since", "day 2024-01-12T08:00 2", 4, null],
    ["wants nothing more where it is what it was", "day 2024-01-12T08:00 4", 4, "not-breaching"],
    ["wants nothing more where it was lowered since", "day 2024-01-12T08:00 8", 4, "not-breaching"],
    ["is not mistaken for that of a name that begins alike", "day-two 2024-01-12T08:00 4", 4, null],
  ])("a floor that %s", (_, key, atLeast, heldBy) => {
    expect(demandOf(floors([{ at_least: atLeast }]), { state: handledAt(key) }).heldBy).toBe(heldBy)
  })

  it("a rule may buy more all the same", () => {
    expect(demandOf(floors(), { state: handledAt("day 2024-01-12T08:00"), readings: busy })).toMatchObject({
      kind: "scale-up",
      to: 4,
      rules: ["npu-busy"],
    })
  })

  it("an order that the cloud called invalid switches the schedule off until the policy changes", () => {
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

describe("cooldown: bypass", () => {
  // Somebody scaled by hand a minute ago: unlike a purchase of ours, that makes no metric too young to be evidence.
  const COOLING = stateWith({ servers: ["s1"], foreignAt: NOW - MINUTE })
  const one = { supernode: read(supernodeOf({ servers: serversOf(1) })), state: COOLING }
  const bypass = { name: "bypass", cooldown: "bypass" as const, at_least: 2 }

  it("bypasses the cooldown, on the record", () => {
    expect(demandOf(floors([bypass]), one)).toMatchObject({ kind: "scale-up", to: 2 })
    expect(findingOf("cooldown-over", { ...TICK, ...one, policy: floors([bypass]) })).toMatchObject({
      passed: true,
      says: "bypassed by schedule bypass: it would have lasted until 2024-01-12T17:59:00.000Z",
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
      "what is in flight",
      { state: stateWith({ ...COOLING, throttle: { until: NOW + 1, times: 1 } }) },
      "backoff",
    ],
    ["offers", { offers: read(offersOf("rung-4")) }, "not-offered"],
  ])("bypasses nothing else: not %s", (_, over, heldBy) => {
    expect(demandOf(floors([bypass]), { ...one, ...over }).heldBy).toBe(heldBy)
  })

  it.each<[string, Floor[], Partial<Situation>]>([
    ["when it is met", [bypass], { supernode: read(supernodeOf()) }],
    [
      "when it has acted",
      [bypass],
      { state: { ...COOLING, acted: { "bypass 2024-01-12T08:00": { at: NOW - HOUR, attempt: "a" } } } },
    ],
    ["when it is not active", [{ ...bypass, cron: "0 18 * * *" }], {}],
    ["when the schedule respects it", [{ ...bypass, cooldown: "respect" }], {}],
  ])("bypasses nothing %s", (_, schedules, over) => {
    expect(demandOf(floors(schedules), { ...one, readings: busy, ...over }).heldBy).toBe("cooldown")
  })

  it("does not lift a person's request over it", () => {
    const signal = requestOf({ servers: 2 })
    expect(demandOf(floors([bypass]), { ...one, signal }).heldBy).toBe("cooldown")
  })

  describe("beside something that wants more and must wait, it is what is wanted now", () => {
    const big = ruleInput({ steps: [{ from: 85, up: 2 }] })
    delete big.above

    it.each<[string, Policy, Partial<Situation>]>([
      ["a rule", floors([bypass], { rules: [big] }), { readings: busy }],
      ["a schedule that respects the cooldown", floors([bypass, { name: "big", at_least: 4 }]), {}],
    ])("%s", (_, policy, over) => {
      expect(demandOf(policy, { ...one, ...over })).toEqual({
        kind: "scale-up",
        heldBy: null,
        to: 2,
        rules: [],
        schedules: [{ schedule: "bypass", occurrence: "2024-01-12T08:00", atLeast: 2 }],
      })
    })

    it("and a rule that wants no more than that is answered with it", () => {
      expect(demandOf(floors([bypass]), { ...one, readings: busy })).toMatchObject({
        to: 2,
        rules: ["npu-busy"],
      })
    })

    it.each<[string, number | null]>([
      ["nothing was bought yet", null],
      ["the cooldown ends this moment", NOW - HOUR],
      ["it is long over", NOW - 2 * HOUR],
    ])("and the rest has its turn when nothing is cooling down: %s", (_, foreignAt) => {
      const state = stateWith({ servers: ["s1"], foreignAt })
      const policy = floors([bypass], { rules: [big] })
      expect(demandOf(policy, { ...one, state, readings: busy })).toMatchObject({
        to: 4,
        rules: ["npu-busy"],
      })
    })

    it("and a person who bypasses the cooldown gets the whole", () => {
      const signal = requestOf({ servers: null, bypassCooldown: true })
      const policy = floors([bypass], { rules: [big] })
      expect(demandOf(policy, { ...one, signal, readings: busy })).toMatchObject({
        to: 4,
        rules: ["npu-busy"],
      })
    })

    it("and of two that bypass, the higher", () => {
      const policy = floors([bypass, { ...bypass, name: "higher", at_least: 4 }])
      expect(demandOf(policy, one).to).toBe(4)
      expect(findingOf("cooldown-over", { ...TICK, ...one, policy }).facts["schedules"]).toEqual(["higher"])
    })
  })

  it("is not known before the supernode was read: then nothing is held by the cooldown yet", () => {
    const unread = { ...one, supernode: NOT_FETCHED, readings: NOT_FETCHED, offers: NOT_FETCHED }
    const finding = findingOf("cooldown-over", { ...TICK, ...unread, policy: floors([bypass]) })
    expect(finding).toMatchObject({ passed: null, facts: { until: NOW + 59 * MINUTE } })
    expect(demandOf(floors([bypass]), unread)).toMatchObject({ kind: "hold", heldBy: null })
    expect(demandOf(floors([{ ...bypass, cooldown: "respect" }]), unread).heldBy).toBe("cooldown")
  })
})

it("What is on record is plain JSON, and no word of schedules where the policy has none active", () => {
  const decision = decisionOf({ ...TICK, policy: floors() })
  expect(JSON.parse(JSON.stringify(decision))).toEqual(decision)
  const without = findingOf("evidence", { ...TICK, policy: floors([{ cron: "0 18 * * *" }]) })
  expect(Object.keys(without.facts)).toEqual(["rules", "nearest"])
})
