import { describe, expect, it } from "vitest"
import { effectIsDue, levelOf, measureEffect } from "../../../lib/decision/evidence/efficacy.ts"
import type { Point } from "../../../lib/decision/evidence/evidence.ts"
import type { Policy } from "../../../lib/decision/policy/policy.ts"
import type { Situation } from "../../../lib/decision/situation.ts"
import type { Effect } from "../../../lib/decision/state/effect.ts"
import type { Observation } from "../../../lib/decision/state/observation.ts"
import type { SupernodeState } from "../../../lib/decision/state/state.ts"
import { fold } from "../../../lib/decision/transitions/fold.ts"
import { digest } from "../../../lib/digest.ts"
import {
  attemptOf,
  effectOf,
  HOUR,
  MINUTE,
  NOW,
  type PolicyInput,
  policyOf,
  type RuleInput,
  read,
  readingOf,
  requestOf,
  ruleInput,
  situationOf,
  stateWith,
  tickOf,
  unreadable,
} from "../builders.ts"
import { decisionOf, findingOf } from "../judge.ts"

const prometheus = (query: string, period = "1m"): RuleInput["metric"] => ({
  prometheus: { url: "http://127.0.0.1:9090", query, period },
})

/** A policy that stops after two purchases in a row with a gain below 5. */
function policyWith(over: Partial<PolicyInput> = {}): Policy {
  return policyOf({ efficacy: { purchases: 2, min_gain: 5 }, ...over })
}
const policy = policyWith()

/** The cause of a purchase in the passing situation under that policy. */
function causeUnder(over: Partial<Situation> = {}) {
  return decisionOf({ policy, ...over }).target?.cause
}
const { metric = "" } = causeUnder() ?? {}

/** A purchase that npu-busy at 97 caused, complete for two hours; `gain` null: not measured. */
function gained(gain: number | null, over: Partial<Effect> = {}): Effect {
  const after = gain === null ? null : 97 - gain
  return effectOf({ attempt: `a${gain}`, metric, completedAt: NOW - 2 * HOUR, after, gain, ...over })
}

function bought(effects: Effect[], over: Partial<Situation> = {}): Partial<Situation> {
  const completedAt = Math.max(...effects.map((effect) => effect.completedAt))
  return { policy, state: stateWith({ effects, completedAt }), ...over }
}

describe("the severity of a metric", () => {
  const rule = (over: Partial<RuleInput> = {}) => policyOf({ rules: [ruleInput(over)] }).rules[0]
  const points = (...values: (number | null | "early")[]): Point[] =>
    values.map((value, i) => ({
      at: NOW - i * MINUTE,
      value: value === "early" ? 50 : value,
      state: value === "early" ? "early" : value === null ? "missing" : "real",
      reported: 1,
      expected: 1,
    }))

  it.each<[string, Partial<RuleInput>, Point[], number | null]>([
    ["is the mean of the M worst of the N newest", {}, points(90, 60, 99, 93, 20), 94],
    ["is the same whether or not anything breaches", {}, points(30, 20, 10, 25, 5), 25],
    ["is the lowest ones where low is bad", { above: undefined, below: 20 }, points(9, 60, 6, 3, 20), 6],
    [
      "is the lowest ones where the steps are open below",
      { above: undefined, steps: [{ to: 20, up: 1 }] },
      points(9, 60, 6, 3, 20),
      6,
    ],
    ["is known with M real points", {}, points(90, null, 99, 93, null), 94],
    ["is not told with fewer", {}, points(90, null, 99, null, null), null],
    ["is not told by points before the warm-up ended", {}, points(90, 99, "early", "early", "early"), null],
    ["is not told where the sum leaves the range of numbers", {}, points(1.7e308, 1.7e308, 1e308), null],
  ])("is measured as follows: %s", (_, over, given, level) => {
    const [one] = [rule(over)]
    expect(one && levelOf(one, given)).toBe(level)
  })
})

describe("the cause of a purchase", () => {
  it("records the cause with the target only if the policy has an efficacy rule", () => {
    expect(causeUnder()).toEqual({
      rule: "npu-busy",
      metric: expect.stringMatching(/^sha256:/),
      before: 97,
    })
    expect(decisionOf().target).not.toHaveProperty("cause")
  })

  it("names the rule with the highest proposal, and of several the first in the policy", () => {
    const steps = [{ from: 10, up: 2 }]
    const queue = (name: string) => ruleInput({ name, metric: prometheus(name), above: undefined, steps })
    const rules = [ruleInput(), queue("queue-long"), queue("queue-longer")]
    const readings = read([
      readingOf([97, 97, 97, 97, 97]),
      readingOf([30, 30, 40, 50, 10], { rule: "queue-long", periodMs: MINUTE }),
      readingOf([90, 90, 90, 90, 90], { rule: "queue-longer", periodMs: MINUTE }),
    ])
    const ladder = [2, 4, 8].map((servers) => ({ flavor: `rung-${servers}`, servers }))
    const target = decisionOf({ policy: policyWith({ rules, ladder }), readings }).target
    expect(target).toMatchObject({ to: 8, cause: { rule: "queue-long", before: 40 } })
    expect(target?.rules).toEqual(["npu-busy", "queue-long", "queue-longer"])
  })

  it("records no cause if a person named the number of servers", () => {
    expect(decisionOf({ policy, signal: requestOf() }).target).toMatchObject({ to: 4, rules: [] })
    expect(causeUnder({ signal: requestOf() })).toBeUndefined()
  })

  it("records the same rule if a person asked and evidence decided", () => {
    expect(causeUnder({ signal: requestOf({ servers: null }) })).toMatchObject({ rule: "npu-busy" })
  })

  it("records no number if missing data counted as breaching", () => {
    const silent = policyWith({ rules: [ruleInput({ missing: "breaching" })] })
    const readings = read([readingOf([null, null, null, 97, 97])])
    expect(causeUnder({ policy: silent, readings })).toMatchObject({ before: null })
  })

  it("carries the cause from the opened entry by the attempt to the completed row", () => {
    const { target, findings } = decisionOf({ policy })
    const situation = situationOf({ policy })
    const attempt = { id: "a1", openedAt: NOW, sendBefore: NOW, deadline: NOW }
    const plan = { ...PLAN, from: 2, to: 4 }
    const decision = { kind: "scale-up" as const, heldBy: null, findings, target, cleared: [] }
    const opened = { kind: "opened" as const, seq: 1, at: NOW, run: "r", situation, decision, plan, attempt }
    const open = fold(stateWith(), opened)
    const complete = { kind: "completed" as const, says: "s", attempt: "a1", servers: ["s3", "s4"] }
    const observation = { ...complete, present: ["s1", "s2", "s3", "s4"], at: NOW + MINUTE }
    const folded = fold(open, { kind: "observed", seq: 2, at: NOW + MINUTE, run: "r", observation })
    const unmeasured = { completedAt: NOW + MINUTE, after: null, gain: null }
    expect(folded.effects).toEqual([{ ...target?.cause, attempt: "a1", ...unmeasured }])
  })
})

const PLAN = {
  hash: "sha256:p",
  flavor: "rung-4",
  cost: null,
  request: { method: "POST" as const, url: "https://x", body: { flavor: "rung-4", image_id: "i" } },
}

describe("the efficacy gate", () => {
  it.each<[string, Partial<Situation>, boolean]>([
    ["nothing was bought yet", { policy }, true],
    ["one of two was bought, and did not help", bought([gained(1)]), true],
    ["the last two gained too little", bought([gained(1.2), gained(0.4)]), false],
    ["they made it worse", bought([gained(-3), gained(-8)]), false],
    ["the older of the two gained enough", bought([gained(5), gained(0)]), true],
    ["the newer of the two gained enough", bought([gained(0), gained(5)]), true],
    ["one gained a hair less than enough", bought([gained(4.999999), gained(0)]), false],
    ["only an older one gained enough", bought([gained(40), gained(1), gained(2)]), false],
    ["one more helped since", bought([gained(1), gained(2), gained(40)]), true],
    ["the newest could never be measured", bought([gained(1), gained(null)]), false],
    ["the newest cannot be known yet", bought([gained(1), justDone()]), false],
    ["the newest cannot be known yet, and the one before helped", bought([gained(9), justDone()]), true],
    ["silence caused both", bought([silent("a1"), silent("a2")]), false],
    ["a person asks", bought([gained(1), gained(2)], { signal: requestOf() }), true],
    ["the rule of one is gone", bought([gained(1), gained(2, { rule: "other" })]), true],
    ["one rule measures something else now", bought([gained(1), gained(2, { metric: "m" })]), true],
    ["the policy has no efficacy rule", bought([gained(1), gained(2)], { policy: policyOf() }), true],
  ])("decides as follows when %s", (_, over, passed) => {
    expect(findingOf("efficacy", over)).toMatchObject({ passed, reason: passed ? null : "efficacy" })
  })

  it("holds an alarm and a tick when only the efficacy gate fails", () => {
    const over = bought([gained(1), gained(2)])
    expect(decisionOf(over)).toMatchObject({ kind: "hold", heldBy: "efficacy" })
    expect(decisionOf({ ...over, signal: tickOf() })).toMatchObject({ kind: "hold", heldBy: "efficacy" })
    expect(decisionOf(bought([gained(1), gained(9)]))).toMatchObject({ kind: "scale-up", heldBy: null })
  })

  function justDone(): Effect {
    return gained(null, { completedAt: NOW - 20 * MINUTE })
  }
  function silent(attempt: string): Effect {
    return gained(null, { attempt, before: null })
  }

  it("gives the numbers of each effect", () => {
    expect(findingOf("efficacy", bought([gained(1.2), gained(0.4)]))).toMatchObject({
      says: "the last 2 purchases moved npu-busy by 1.2 and by 0.4; at least 5 is required. Automatic purchases stop until a person resets the supernode",
      facts: {
        stopped: true,
        until: null,
        newest: "a0.4",
        row: [
          { attempt: "a1.2", before: 97, after: 95.8, gain: 1.2 },
          { attempt: "a0.4", gain: 0.4 },
        ],
      },
    })
  })

  it("names effects that could not be measured, and counts them as no gain", () => {
    expect(findingOf("efficacy", bought([gained(1.2), gained(null)])).says).toBe(
      "the last 2 purchases moved npu-busy by 1.2 and by an amount that is still unmeasured (due since 2024-01-12T15:41:00.000Z); at least 5 is required. Automatic purchases stop until a person resets the supernode",
    )
  })

  it("waits, instead of stopping, while an effect can still be measured soon", () => {
    const finding = findingOf("efficacy", bought([gained(1.2), justDone()]))
    // Complete at 16:40 and warm at 16:55: five periods have ended at 17:20, and are readable a minute later.
    expect(finding.says).toContain("by an amount that cannot be measured before 2024-01-12T17:21:00.000Z")
    expect(finding.facts).toMatchObject({ stopped: false, until: NOW + 21 * MINUTE })
  })

  it("waits for the last of several measurable effects, each by its own rule", () => {
    const rules = [ruleInput(), ruleInput({ name: "queue", metric: prometheus("q", "2m") })]
    const both = policyWith({ rules })
    const queue = { rule: "queue", metric: digest({ metric: both.rules[1]?.metric, highIsBad: true }) }
    const over = bought([justDone(), { ...justDone(), attempt: "a2", ...queue }], { policy: both })
    const finding = findingOf("efficacy", over)
    expect(finding.facts).toMatchObject({ until: NOW + 21 * MINUTE, ignored: 0 })
    expect(finding.facts.row).toMatchObject([{ dueAt: NOW + 21 * MINUTE }, { dueAt: NOW + 7 * MINUTE }])
  })

  it("names the purchases that it does not count", () => {
    const over = bought([gained(1), gained(2, { rule: "gone" })])
    expect(findingOf("efficacy", over)).toMatchObject({
      says: "1 of 2 purchases by rules are complete; 1 more are not counted: their rule no longer exists or now measures something else",
      facts: { ignored: 1 },
    })
  })

  it("lets a person buy, and says which purchases it stops", () => {
    const over = bought([gained(1), gained(2)], { signal: requestOf() })
    const { passed, says } = findingOf("efficacy", over)
    expect([passed, says.endsWith("This stops automatic purchases only")]).toEqual([true, true])
  })

  it.each([
    ["a higher threshold", ruleInput({ above: 90 })],
    ["another number of points", ruleInput({ points: "2 of 5" })],
  ])("still counts a measured effect before the rule got %s", (_, rule) => {
    const over = bought([gained(1), gained(2)], { policy: policyWith({ rules: [rule] }) })
    expect(findingOf("efficacy", over).reason).toBe("efficacy")
  })
})

describe("the effect of a purchase", () => {
  const done = gained(null, { attempt: "a1" })
  const at = (load: (number | null)[], over: Partial<Situation> = {}) =>
    measureEffect(situationOf(bought([done], { readings: read([readingOf(load)]), ...over })), digest)

  it("is measured over the points that M of N uses, and recorded with its numbers", () => {
    expect(at([95, 96, 95.7, 10, 10])).toEqual({
      kind: "effect",
      says: "moved npu-busy by 1.43333, from 97 to 95.5667",
      attempt: "a1",
      servers: [],
      present: null,
      at: NOW,
      effect: { after: 95.56666666666666, gain: 1.43333333333 },
    })
  })

  it("is measured by the rule that caused the purchase, whichever comes first in the policy", () => {
    const queue = ruleInput({ name: "queue", metric: prometheus("q") })
    const both = policyWith({ rules: [queue, ruleInput()] })
    const readings = read([readingOf([1, 1, 1, 1, 1], { rule: "queue" }), readingOf([90, 90, 90, 90, 90])])
    const over = bought([done], { policy: both, readings })
    expect(measureEffect(situationOf(over), digest)?.effect).toEqual({ after: 90, gain: 7 })
  })

  it("is a gain if a metric that breaches on low values rose", () => {
    const low = policyWith({ rules: [ruleInput({ above: undefined, below: 20 })] })
    const [cause] = [decisionOf({ policy: low, readings: read([readingOf([5, 5, 5, 5, 5])]) }).target?.cause]
    const effect = { ...done, ...cause }
    const over = bought([effect], { policy: low, readings: read([readingOf([15, 15, 15, 90, 90])]) })
    expect(measureEffect(situationOf(over), digest)?.effect).toEqual({ after: 15, gain: 10 })
  })

  it.each<[string, (number | null)[], Partial<Situation>]>([
    ["fewer than M points are there", [95, 95, null, null, null], {}],
    ["the metrics could not be read", [95, 95, 95, 95, 95], { readings: unreadable() }],
    ["our clock is behind the ledger", [95, 95, 95, 95, 95], { headAt: NOW + 2 * MINUTE }],
    ["the cloud's clock contradicts ours", [95, 95, 95, 95, 95], { cloudSkewMs: 2 * MINUTE }],
    [
      "nothing was measured before, for silence was held to breach",
      [95, 95, 95, 95, 95],
      bought([gained(null, { before: null })]),
    ],
    ["the supernode could not be read", [95, 95, 95, 95, 95], { supernode: unreadable() }],
    ["the policy does not ask any more", [95, 95, 95, 95, 95], { policy: policyOf() }],
    [
      "the rule is gone",
      [95, 95, 95, 95, 95],
      { policy: policyWith({ rules: [ruleInput({ name: "new" })] }) },
    ],
    [
      "one of the N periods began before the warm-up ended",
      [95, 95, 95, 95, 95],
      bought([gained(null, { completedAt: NOW - 41 * MINUTE + 1 })]),
    ],
  ])("is not measured when %s", (_, load, over) => {
    expect(at(load, over)).toBeNull()
  })

  it.each<Partial<Situation>>([{ headAt: NOW + MINUTE }, { cloudSkewMs: MINUTE }, { cloudSkewMs: -MINUTE }])(
    "is measured while clocks differ within the tolerance: %j",
    (over) => {
      expect(at([95, 95, 95, 95, 95], over)?.effect).toEqual({ after: 95, gain: 2 })
    },
  )

  it("is measured from the moment at which all N periods began after warm-up", () => {
    // At 17:00 the five newest complete periods began at 16:30 at the earliest: warm at 16:30 counts.
    const over = bought([gained(null, { completedAt: NOW - 45 * MINUTE })])
    expect(effectIsDue(situationOf(over), digest)).toBe(true)
    expect(at([95, 95, 95, 95, 95], over)).not.toBeNull()
  })

  it("is measured after a later purchase is warm too, if there was one in between", () => {
    const state = stateWith({ effects: [done], completedAt: NOW - 20 * MINUTE })
    expect(at([95, 95, 95, 95, 95], { state })).toBeNull()
  })

  it("is recorded once: later load does not change it", () => {
    const observed = (gain: number): Observation => ({
      kind: "effect",
      says: "s",
      attempt: "a1",
      servers: [],
      present: null,
      at: NOW,
      effect: { after: 97 - gain, gain },
    })
    const once = fold(stateWith({ effects: [done] }), eventOf({ observation: observed(9) }))
    expect(once.effects).toEqual([{ ...done, after: 88, gain: 9 }])
    expect(fold(once, eventOf({ observation: observed(-5) })).effects).toEqual(once.effects)
    expect(measureEffect(situationOf({ policy, state: once }), digest)).toBeNull()
  })

  it("is measured one at a time, the oldest purchase first", () => {
    const over = bought([done, gained(null, { attempt: "a2" })])
    expect(measureEffect(situationOf(over), digest)?.attempt).toBe("a1")
  })

  const eventOf = (over: object) => ({ kind: "observed" as const, seq: 2, at: NOW, run: "r", ...over })
})

describe("a tick that holds", () => {
  const alarmed = policyWith({ rules: [ruleInput({ metric: { alarm: true } })] })
  it.each<[string, Partial<Situation>, boolean]>([
    ["a purchase is to be measured", bought([gained(null)]), true],
    ["it was measured", bought([gained(3)]), false],
    ["silence caused it", bought([gained(null, { before: null })]), false],
    ["it is not warm yet", bought([gained(null, { completedAt: NOW - 30 * MINUTE })]), false],
    ["the policy does not ask", bought([gained(null)], { policy: policyOf() }), false],
    ["our clock is behind the ledger", bought([gained(null)], { headAt: NOW + 2 * MINUTE }), false],
    [
      "only an alarm can show it, and a tick is not an alarm",
      bought([{ ...gained(null), metric: metricOf(alarmed) }], { policy: alarmed }),
      false,
    ],
  ])("reads the metrics or not: %s: %s", (_, over, isDue) => {
    expect(effectIsDue(situationOf({ signal: tickOf(), ...over }), digest)).toBe(isDue)
  })

  function metricOf({ rules: [rule] }: Policy): string {
    return digest({ metric: rule?.metric, highIsBad: true })
  }
})

describe("the row of effects", () => {
  const said = (state: SupernodeState) =>
    fold(state, { kind: "said", seq: 2, at: NOW, run: "r", said: { verb: "reset", why: "w", by: "b" } })

  it("is cleared by a person's reset", () => {
    expect(said(stateWith({ effects: [gained(1), gained(2)] })).effects).toEqual([])
    expect(said(stateWith())).not.toHaveProperty("effects")
  })

  it("still receives the purchase that is in flight during a reset", () => {
    const cause = { rule: "npu-busy", metric, before: 97 }
    const attempt = { ...attemptOf(), cause }
    const observation = { kind: "completed" as const, says: "s", attempt: attempt.id, servers: [] }
    const folded = fold(said(stateWith({ attempt, effects: [gained(1)] })), {
      kind: "observed",
      seq: 3,
      at: NOW,
      run: "r",
      observation: { ...observation, present: [], at: NOW },
    })
    expect(folded.effects?.map((effect) => effect.attempt)).toEqual([attempt.id])
  })

  it("keeps the newest twenty of very many purchases", () => {
    const effects = Array.from({ length: 20 }, (_, i) => gained(i))
    const attempt = { ...attemptOf(), cause: { rule: "npu-busy", metric, before: 97 } }
    const observation = { kind: "completed" as const, says: "s", attempt: attempt.id, servers: [] }
    const event = { kind: "observed" as const, seq: 3, at: NOW, run: "r" }
    const folded = fold(stateWith({ attempt, effects }), {
      ...event,
      observation: { ...observation, present: [], at: NOW },
    })
    expect(folded.effects?.map((effect) => effect.attempt)).toEqual([
      ...effects.slice(1).map((effect) => effect.attempt),
      attempt.id,
    ])
  })
})
