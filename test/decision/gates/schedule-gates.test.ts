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
  it("wants its servers, and says since when", () => {
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
    ["a person who names no number", { signal: requestOf({ servers: null }) }],
  ])("applies to %s alike", (_, over) => {
    expect(demandOf(floors(), over)).toEqual(BOUGHT)
  })

  it("does not apply to a person who names a number: only that number counts", () => {
    const policy = floors([{ at_least: 4 }])
    const { target } = decisionOf({ ...TICK, policy, signal: requestOf({ servers: 4 }) })
    expect(target).toEqual({ flavor: "rung-4", from: 2, to: 4, rules: [] })
  })

  it.each<[string, Floor, string | null]>([
    ["before it starts", { cron: "1 17 * * *" }, "not-breaching"],
    ["after it is over: its end does nothing", { for: "9h" }, "not-breaching"],
    ["when its start was missed and is over: there is no backfill", { cron: "0 8 11 * *" }, "not-breaching"],
    ["while it is active, though no run saw its start", { cron: "0 8 11 * *", for: "36h" }, null],
    ["when it is met", { at_least: 2 }, "already-there"],
    ["when more is there", { at_least: 1 }, "already-there"],
  ])("proposes the expected rung: %s", (_, floor, heldBy) => {
    expect(demandOf(floors([floor])).heldBy).toBe(heldBy)
  })

  it("means the smallest rung with enough servers", () => {
    const ladder = [1, 2, 4, 8].map((servers) => ({ flavor: `rung-${servers}`, servers }))
    const offers = read(offersOf("rung-4", "rung-8"))
    expect(demandOf(floors([{ at_least: 3 }], { ladder }), { offers }).to).toBe(4)
    expect(demandOf(floors([{ at_least: 5 }], { ladder }), { offers }).to).toBe(8)
  })

  it("is clamped to the servers limit like a proposal of a rule", () => {
    const ladder = [2, 4, 8].map((servers) => ({ flavor: `rung-${servers}`, servers }))
    const limits = { actions: "2 per 24h", servers: 6 }
    expect(demandOf(floors([{ at_least: 6 }], { ladder, limits })).to).toBe(4)
    const four = read(supernodeOf({ servers: serversOf(4) }))
    expect(demandOf(floors([{ at_least: 6 }], { ladder, limits }), { supernode: four }).heldBy).toBe(
      "at-limit",
    )
  })

  it("may lead to the next larger rung if its own is sold out", () => {
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
  ])("is held by %s like any other demand", (_, over, heldBy) => {
    expect(demandOf(floors(), over).heldBy).toBe(heldBy)
  })
})

describe("overlapping floors", () => {
  it("take the highest, never the sum", () => {
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
    ["the rule, if it wants more", 4, 2, 8, ["npu-busy"]],
    ["the floor, if it wants more: then it is no rule's purchase", 8, 1, 8, []],
    ["both, if they want the same", 4, 1, 4, ["npu-busy"]],
  ])("take the highest, never the sum: %s", (_, atLeast, up, to, rules) => {
    expect(demandOf(both(atLeast, up), { readings: busy, offers })).toEqual({
      ...BOUGHT,
      to,
      rules,
      schedules: [{ ...DAY_ACTS[0], atLeast }],
    })
  })

  it("ignore a floor that is met: it blocks no rule that wants more", () => {
    const result = demandOf(both(2, 1), { readings: busy, offers })
    expect(result).toMatchObject({ kind: "scale-up", to: 4, rules: ["npu-busy"] })
    expect(result.schedules).toBeUndefined()
  })

  it.each<[string, Partial<Situation>]>([
    ["missing", { readings: silent }],
    ["not to be had", { readings: unreadable() }],
    ["forbidden to us", { readings: unreadable("HTTP 403", true) }],
  ])("buy for a floor even if metrics are %s: it is the operator's decision", (_, over) => {
    expect(demandOf(floors(), over)).toEqual(BOUGHT)
  })

  it("hold without a floor as always, with their own reason", () => {
    const asleep = floors([{ cron: "0 18 * * *" }])
    expect(demandOf(asleep, { readings: silent }).heldBy).toBe("missing-data")
    expect(demandOf(asleep, { readings: unreadable("HTTP 403", true) }).heldBy).toBe("credentials")
    expect(findingOf("evidence", { ...TICK, policy: floors(), readings: unreadable("HTTP 500") }).says).toBe(
      "the metrics could not be read: HTTP 500; schedule day requires at least 4 servers since Fri 2024-01-12 08:00 +00:00 UTC (2024-01-12T08:00:00Z)",
    )
  })

  it("keep a latched rule silent beside the floor", () => {
    const policy = floors([{}], { rules: [ruleInput({ repeat: false })] })
    const state = stateWith({ servers: ["s1", "s2"], latches: { "npu-busy": NOW - DAY } })
    expect(demandOf(policy, { readings: busy, state })).toEqual(BOUGHT)
  })
})

describe("a schedule start", () => {
  it("leads to one purchase, then wants no more and says so", () => {
    const state = handledAt("day 2024-01-12T08:00")
    expect(demandOf(floors(), { state }).heldBy).toBe("not-breaching")
    expect(findingOf("evidence", { ...TICK, policy: floors(), state }).says).toContain(
      "schedule day requires at least 4 servers since Fri 2024-01-12 08:00 +00:00 UTC (2024-01-12T08:00:00Z); a purchase for this start was made at 2024-01-12T16:00:00.000Z",
    )
  })

  it.each<[string, string]>([
    ["another day's start has acted", "day 2024-01-11T08:00"],
    ["another schedule has", "night 2024-01-12T08:00"],
  ])("may still lead to a purchase when %s", (_, key) => {
    expect(demandOf(floors(), { state: handledAt(key) })).toEqual(BOUGHT)
  })

  it.each<[string, string, number, string | null]>([
    ["counts as a new start where it was raised since", "day 2024-01-12T08:00 2", 4, null],
    ["wants nothing more where it is what it was", "day 2024-01-12T08:00 4", 4, "not-breaching"],
    ["wants nothing more where it was lowered since", "day 2024-01-12T08:00 8", 4, "not-breaching"],
    ["is not mistaken for that of a name that begins alike", "day-two 2024-01-12T08:00 4", 4, null],
  ])("leads to the expected result for a floor that %s", (_, key, atLeast, heldBy) => {
    expect(demandOf(floors([{ at_least: atLeast }]), { state: handledAt(key) }).heldBy).toBe(heldBy)
  })

  it("does not stop a rule from buying more", () => {
    expect(demandOf(floors(), { state: handledAt("day 2024-01-12T08:00"), readings: busy })).toMatchObject({
      kind: "scale-up",
      to: 4,
      rules: ["npu-busy"],
    })
  })

  it("is switched off by an order that the cloud called invalid, until the policy changes", () => {
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

  it("bypasses the cooldown, on the record", () => {
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
      "what is in flight",
      { state: stateWith({ ...COOLING, throttle: { until: NOW + 1, times: 1 } }) },
      "backoff",
    ],
    ["offers", { offers: read(offersOf("rung-4")) }, "not-offered"],
  ])("bypasses no other gate: not %s", (_, over, heldBy) => {
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

  it("does not extend the bypass to a person's request", () => {
    const signal = requestOf({ servers: 2 })
    expect(demandOf(floors([bypass]), { ...one, signal }).heldBy).toBe("cooldown")
  })

  describe("a bypassing floor beside a higher proposal that must wait", () => {
    const big = ruleInput({ steps: [{ from: 85, up: 2 }] })
    delete big.above

    it.each<[string, Policy, Partial<Situation>]>([
      ["a rule", floors([bypass], { rules: [big] }), { readings: busy }],
      ["a schedule that respects the cooldown", floors([bypass, { name: "big", at_least: 4 }]), {}],
    ])("is bought now: %s", (_, policy, over) => {
      expect(demandOf(policy, { ...one, ...over })).toEqual({
        kind: "scale-up",
        heldBy: null,
        to: 2,
        rules: [],
        schedules: [{ schedule: "bypass", occurrence: "2024-01-12T08:00", atLeast: 2 }],
      })
    })

    it("also satisfies a rule that wants no more", () => {
      expect(demandOf(floors([bypass]), { ...one, readings: busy })).toMatchObject({
        to: 2,
        rules: ["npu-busy"],
      })
    })

    it.each<[string, number | null]>([
      ["nothing was bought yet", null],
      ["the cooldown ends this moment", NOW - HOUR],
      ["it is long over", NOW - 2 * HOUR],
    ])("leaves the rest for the time without a cooldown: %s", (_, foreignAt) => {
      const state = stateWith({ servers: ["s1"], foreignAt })
      const policy = floors([bypass], { rules: [big] })
      expect(demandOf(policy, { ...one, state, readings: busy })).toMatchObject({
        to: 4,
        rules: ["npu-busy"],
      })
    })

    it("is ignored for a person who bypasses the cooldown: the request is bought in full", () => {
      const signal = requestOf({ servers: null, bypassCooldown: true })
      const policy = floors([bypass], { rules: [big] })
      expect(demandOf(policy, { ...one, signal, readings: busy })).toMatchObject({
        to: 4,
        rules: ["npu-busy"],
      })
    })

    it("is the higher one of two that bypass", () => {
      const policy = floors([bypass, { ...bypass, name: "higher", at_least: 4 }])
      expect(demandOf(policy, one).to).toBe(4)
      expect(findingOf("cooldown-over", { ...TICK, ...one, policy }).facts["schedules"]).toEqual(["higher"])
    })
  })

  it("is not known before the supernode was read: until then the cooldown holds nothing", () => {
    const unread = { ...one, supernode: NOT_FETCHED, readings: NOT_FETCHED, offers: NOT_FETCHED }
    const finding = findingOf("cooldown-over", { ...TICK, ...unread, policy: floors([bypass]) })
    expect(finding).toMatchObject({ passed: null, facts: { until: NOW + 59 * MINUTE } })
    expect(demandOf(floors([bypass]), unread)).toMatchObject({ kind: "hold", heldBy: null })
    expect(demandOf(floors([{ ...bypass, cooldown: "respect" }]), unread).heldBy).toBe("cooldown")
  })
})

it("records plain JSON, without schedules if the policy has none active", () => {
  const decision = decisionOf({ ...TICK, policy: floors() })
  expect(JSON.parse(JSON.stringify(decision))).toEqual(decision)
  const without = findingOf("evidence", { ...TICK, policy: floors([{ cron: "0 18 * * *" }]) })
  expect(Object.keys(without.facts)).toEqual(["rules", "nearest"])
})
