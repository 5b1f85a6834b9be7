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
    ["is the mean of the M worst of the N newest points", {}, points(90, 60, 99, 93, 20), 94],
    ["is known even if no point breaches", {}, points(30, 20, 10, 25, 5), 25],
    [
      "is the mean of the lowest points if low values breach",
      { above: undefined, below: 20 },
      points(9, 60, 6, 3, 20),
      6,
    ],
    [
      "is the mean of the lowest points if the steps are open below",
      { above: undefined, steps: [{ to: 20, up: 1 }] },
      points(9, 60, 6, 3, 20),
      6,
    ],
    ["is known with M real points", {}, points(90, null, 99, 93, null), 94],
    ["is unknown with fewer than M real points", {}, points(90, null, 99, null, null), null],
    [
      "is unknown if too many points are from before the end of warm-up",
      {},
      points(90, 99, "early", "early", "early"),
      null,
    ],
    ["is unknown if the sum exceeds the range of numbers", {}, points(1.7e308, 1.7e308, 1e308), null],
  ])("the severity of a metric %s", (_, over, given, level) => {
    const [one] = [rule(over)]
    expect(one && levelOf(one, given)).toBe(level)
  })
})

describe("the cause of a purchase", () => {
  it("a target records the cause of a purchase only if the policy has an efficacy rule", () => {
    expect(causeUnder()).toEqual({
      rule: "npu-busy",
      metric: expect.stringMatching(/^sha256:/),
      before: 97,
    })
    expect(decisionOf().target).not.toHaveProperty("cause")
  })

  it("the cause of a purchase is the rule with the highest proposal, and among equals the first in the policy", () => {
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

  it("a purchase has no cause if a person named the number of servers", () => {
    expect(decisionOf({ policy, signal: requestOf() }).target).toMatchObject({ to: 4, rules: [] })
    expect(causeUnder({ signal: requestOf() })).toBeUndefined()
  })

  it("a purchase that a person requested and evidence decided has the rule as its cause", () => {
    expect(causeUnder({ signal: requestOf({ servers: null }) })).toMatchObject({ rule: "npu-busy" })
  })

  it("the cause of a purchase has no metric value if missing data counted as breaching", () => {
    const silent = policyWith({ rules: [ruleInput({ missing: "breaching" })] })
    const readings = read([readingOf([null, null, null, 97, 97])])
    expect(causeUnder({ policy: silent, readings })).toMatchObject({ before: null })
  })

  it("the cause of a purchase is copied from the opened entry to the attempt, and then to the effects that gate efficacy reads", () => {
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
    ["passes if nothing was bought yet", { policy }, true],
    ["passes if only one purchase was made, even if it did not help", bought([gained(1)]), true],
    ["holds if the last two purchases gained too little", bought([gained(1.2), gained(0.4)]), false],
    ["holds if the last two purchases made the metric worse", bought([gained(-3), gained(-8)]), false],
    ["passes if the older of the last two purchases gained enough", bought([gained(5), gained(0)]), true],
    ["passes if the newer of the last two purchases gained enough", bought([gained(0), gained(5)]), true],
    [
      "holds if the better of the last two purchases gained slightly too little",
      bought([gained(4.999999), gained(0)]),
      false,
    ],
    ["holds if only an older purchase gained enough", bought([gained(40), gained(1), gained(2)]), false],
    [
      "passes if the newest of three purchases gained enough",
      bought([gained(1), gained(2), gained(40)]),
      true,
    ],
    ["holds if the newest purchase could never be measured", bought([gained(1), gained(null)]), false],
    ["holds while the newest effect is unknown", bought([gained(1), justDone()]), false],
    [
      "passes while the newest effect is unknown, if the purchase before gained enough",
      bought([gained(9), justDone()]),
      true,
    ],
    ["holds if missing data caused both purchases", bought([silent("a1"), silent("a2")]), false],
    ["passes for a person's request", bought([gained(1), gained(2)], { signal: requestOf() }), true],
    ["passes if the rule of one purchase is gone", bought([gained(1), gained(2, { rule: "other" })]), true],
    [
      "passes if the rule of one purchase measures something else now",
      bought([gained(1), gained(2, { metric: "m" })]),
      true,
    ],
    [
      "passes if the policy has no efficacy rule",
      bought([gained(1), gained(2)], { policy: policyOf() }),
      true,
    ],
  ])("gate efficacy %s", (_, over, passed) => {
    expect(findingOf("efficacy", over)).toMatchObject({ passed, reason: passed ? null : "efficacy" })
  })

  it("alarms and ticks hold when only gate efficacy fails", () => {
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

  it("gate efficacy reports the numbers of each effect", () => {
    expect(findingOf("efficacy", bought([gained(1.2), gained(0.4)]))).toMatchObject({
      says: "the last 2 purchases moved npu-busy by 1.2 and by 0.4; at least 5 is required. Automatic purchases stop until an operator runs the command `reset`",
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

  it("gate efficacy names effects that could not be measured, and counts them as no gain", () => {
    expect(findingOf("efficacy", bought([gained(1.2), gained(null)])).says).toBe(
      "the last 2 purchases moved npu-busy by 1.2 and by a still unknown amount (its measurement has been due since 2024-01-12T15:41:00.000Z); at least 5 is required. Automatic purchases stop until an operator runs the command `reset`",
    )
  })

  it("gate efficacy holds until the newest effect is measured, and requires no reset while that can still happen", () => {
    const finding = findingOf("efficacy", bought([gained(1.2), justDone()]))
    // Complete at 16:40 and warm at 16:55: five periods have ended at 17:20, and are readable a minute later.
    expect(finding.says).toContain(
      "by a still unknown amount (to be measured after 2024-01-12T17:21:00.000Z)",
    )
    expect(finding.facts).toMatchObject({ stopped: false, until: NOW + 21 * MINUTE })
  })

  it("gate efficacy waits until the last of several effects can be measured by the rule of its purchase", () => {
    const rules = [ruleInput(), ruleInput({ name: "queue", metric: prometheus("q", "2m") })]
    const both = policyWith({ rules })
    const queue = { rule: "queue", metric: digest({ metric: both.rules[1]?.metric, highIsBad: true }) }
    const over = bought([justDone(), { ...justDone(), attempt: "a2", ...queue }], { policy: both })
    const finding = findingOf("efficacy", over)
    expect(finding.facts).toMatchObject({ until: NOW + 21 * MINUTE, ignored: 0 })
    expect(finding.facts.row).toMatchObject([{ dueAt: NOW + 21 * MINUTE }, { dueAt: NOW + 7 * MINUTE }])
  })

  it("gate efficacy reports how many purchases it does not count", () => {
    const over = bought([gained(1), gained(2, { rule: "gone" })])
    expect(findingOf("efficacy", over)).toMatchObject({
      says: "1 of 2 purchases by rules are complete; 1 more are not counted: their rule no longer exists or now measures something else",
      facts: { ignored: 1 },
    })
  })

  it("gate efficacy lets a person buy, and reports that only automatic purchases stop", () => {
    const over = bought([gained(1), gained(2)], { signal: requestOf() })
    const { passed, says } = findingOf("efficacy", over)
    expect([passed, says.endsWith("This stops automatic purchases only")]).toEqual([true, true])
  })

  it.each([
    ["a higher threshold", ruleInput({ above: 90 })],
    ["another number of points", ruleInput({ points: "2 of 5" })],
  ])("gate efficacy still counts an effect that was measured before the rule got %s", (_, rule) => {
    const over = bought([gained(1), gained(2)], { policy: policyWith({ rules: [rule] }) })
    expect(findingOf("efficacy", over).reason).toBe("efficacy")
  })
})

describe("the effect of a purchase", () => {
  const done = gained(null, { attempt: "a1" })
  const at = (load: (number | null)[], over: Partial<Situation> = {}) =>
    measureEffect(situationOf(bought([done], { readings: read([readingOf(load)]), ...over })), digest)

  it("the effect of a purchase is measured over the N points of its rule, and recorded with its numbers", () => {
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

  it("the effect of a purchase is measured by the rule that caused it, in any order of the rules", () => {
    const queue = ruleInput({ name: "queue", metric: prometheus("q") })
    const both = policyWith({ rules: [queue, ruleInput()] })
    const readings = read([readingOf([1, 1, 1, 1, 1], { rule: "queue" }), readingOf([90, 90, 90, 90, 90])])
    const over = bought([done], { policy: both, readings })
    expect(measureEffect(situationOf(over), digest)?.effect).toEqual({ after: 90, gain: 7 })
  })

  it("the effect of a purchase is a gain if a metric that breaches on low values rose", () => {
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
      "nothing was measured before it: missing data counted as breaching",
      [95, 95, 95, 95, 95],
      bought([gained(null, { before: null })]),
    ],
    ["the supernode could not be read", [95, 95, 95, 95, 95], { supernode: unreadable() }],
    ["the policy has no efficacy rule any more", [95, 95, 95, 95, 95], { policy: policyOf() }],
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
  ])("the effect of a purchase is not measured when %s", (_, load, over) => {
    expect(at(load, over)).toBeNull()
  })

  it.each<Partial<Situation>>([{ headAt: NOW + MINUTE }, { cloudSkewMs: MINUTE }, { cloudSkewMs: -MINUTE }])(
    "the effect of a purchase is measured while clocks differ within the tolerance: %j",
    (over) => {
      expect(at([95, 95, 95, 95, 95], over)?.effect).toEqual({ after: 95, gain: 2 })
    },
  )

  it("the effect of a purchase is measured as soon as all N periods began after its warm-up", () => {
    // At 17:00 the five newest complete periods began at 16:30 at the earliest: warm at 16:30 counts.
    const over = bought([gained(null, { completedAt: NOW - 45 * MINUTE })])
    expect(effectIsDue(situationOf(over), digest)).toBe(true)
    expect(at([95, 95, 95, 95, 95], over)).not.toBeNull()
  })

  it("the effect of a purchase is not measured while the servers of a later purchase still warm up", () => {
    const state = stateWith({ effects: [done], completedAt: NOW - 20 * MINUTE })
    expect(at([95, 95, 95, 95, 95], { state })).toBeNull()
  })

  it("the effect of a purchase is recorded once: later load does not change it", () => {
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

  it("effects are measured one at a time, the oldest purchase first", () => {
    const over = bought([done, gained(null, { attempt: "a2" })])
    expect(measureEffect(situationOf(over), digest)?.attempt).toBe("a1")
  })

  const eventOf = (over: object) => ({ kind: "observed" as const, seq: 2, at: NOW, run: "r", ...over })
})

describe("a tick that holds", () => {
  const alarmed = policyWith({ rules: [ruleInput({ metric: { alarm: true } })] })
  it.each<[string, Partial<Situation>, boolean]>([
    ["reads the metrics if the effect of a purchase is still to be measured", bought([gained(null)]), true],
    ["does not read the metrics if the effect was measured", bought([gained(3)]), false],
    [
      "does not read the metrics if missing data caused the purchase",
      bought([gained(null, { before: null })]),
      false,
    ],
    [
      "does not read the metrics if the purchase is not warm yet",
      bought([gained(null, { completedAt: NOW - 30 * MINUTE })]),
      false,
    ],
    [
      "does not read the metrics if the policy has no efficacy rule",
      bought([gained(null)], { policy: policyOf() }),
      false,
    ],
    [
      "does not read the metrics if our clock is behind the ledger",
      bought([gained(null)], { headAt: NOW + 2 * MINUTE }),
      false,
    ],
    [
      "does not read the metrics if only an alarm can show the effect",
      bought([{ ...gained(null), metric: metricOf(alarmed) }], { policy: alarmed }),
      false,
    ],
  ])("a tick that holds %s", (_, over, isDue) => {
    expect(effectIsDue(situationOf({ signal: tickOf(), ...over }), digest)).toBe(isDue)
  })

  function metricOf({ rules: [rule] }: Policy): string {
    return digest({ metric: rule?.metric, highIsBad: true })
  }
})

describe("the row of effects", () => {
  const said = (state: SupernodeState) =>
    fold(state, { kind: "said", seq: 2, at: NOW, run: "r", said: { verb: "reset", why: "w", by: "b" } })

  it("a person's reset clears the effects that gate efficacy reads", () => {
    expect(said(stateWith({ effects: [gained(1), gained(2)] })).effects).toEqual([])
    expect(said(stateWith())).not.toHaveProperty("effects")
  })

  it("a purchase that is in flight during a reset still counts for gate efficacy once it completes", () => {
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

  it("gate efficacy reads the effects of the newest twenty purchases at most", () => {
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
