import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decide, whyNotSent } from "../../lib/decision/decide.ts"
import { NOT_FETCHED } from "../../lib/decision/inputs/fetched.ts"
import type { Situation } from "../../lib/decision/situation.ts"
import { NO_CONTROL } from "../../lib/decision/state/control.ts"
import { digest } from "../../lib/digest.ts"
import {
  alarmOf,
  attemptOf,
  HOUR,
  MINUTE,
  NOW,
  offersOf,
  policyOf,
  read,
  readingOf,
  requestOf,
  SUPERNODE_ID,
  serversOf,
  situationOf,
  stateWith,
  supernodeOf,
  unreadable,
} from "./builders.ts"
import { decisionOf, findingOf } from "./judge.ts"

/** The table of gates, in its order. */
const GATES = [
  "signal-valid",
  "signal-is-new",
  "clock-agrees",
  "not-paused",
  "signal-is-fresh",
  "no-hold",
  "no-attempt-in-flight",
  "supernode-ready",
  "rung-known",
  "evidence",
  "rung-above-current",
  "within-servers-limit",
  "cooldown-over",
  "action-rate",
  "efficacy",
  "offer-available",
  "price-known",
  "within-budget",
  "plan-as-shown",
  "approved",
]

const stop = { why: "maintenance", by: "ops", at: NOW - HOUR, until: null }

/** One change each, in the order of the gates, with the expected reason of the hold. */
const OBSTACLES: [string, Partial<Situation>][] = [
  ["not-alarm", { signal: alarmOf({ state: "ok" }) }],
  [
    "duplicate",
    {
      signal: alarmOf({ id: "seen" }),
      state: stateWith({
        signals: { seen: { run: "run-0", seq: 1, at: NOW - MINUTE, keepUntil: NOW + HOUR } },
      }),
    },
  ],
  ["clock-skewed", { cloudSkewMs: 61_000 }],
  ["paused", { control: read({ ...NO_CONTROL, pausedAll: stop }) }],
  ["stale", { signal: alarmOf({ at: NOW - 16 * MINUTE }) }],
  ["held", { control: read({ ...NO_CONTROL, held: { [SUPERNODE_ID]: stop } }) }],
  ["in-flight", { state: stateWith({ attempt: attemptOf({ from: 1, to: 2 }) }) }],
  ["supernode-not-ready", { supernode: read(supernodeOf({ status: "REIMAGING" })) }],
  ["rung-unknown", { supernode: read(supernodeOf({ servers: serversOf(3) })) }],
  ["not-breaching", { readings: read([readingOf([10, 10, 10, 10, 10])]) }],
  [
    "already-there",
    {
      supernode: read(supernodeOf({ servers: serversOf(4) })),
      readings: read([readingOf([97, 97, 97, 97, 97], { servers: ["s1", "s2", "s3", "s4"] })]),
    },
  ],
  ["at-limit", { policy: policyOf({ limits: { actions: "2 per 24h", servers: 3 } }) }],
  ["cooldown", { state: stateWith({ completedAt: NOW - 59 * MINUTE }) }],
  [
    "action-rate",
    {
      state: stateWith({
        purchases: [10, 11].map((hours) => ({
          attempt: `a${hours}`,
          at: NOW - hours * HOUR,
          cost: null,
          state: "booked" as const,
        })),
      }),
    },
  ],
  ["sold-out", { offers: read([{ flavor: "rung-4", soldOut: true }]) }],
  [
    "over-budget",
    {
      policy: policyOf({
        limits: { actions: "2 per 24h", servers: 48, budget: { amount: 1, currency: "CNY", per: "30d" } },
      }),
    },
  ],
  ["approval-needed", { policy: policyOf({ approval: { above: { amount: 1, currency: "CNY" } } }) }],
]

describe("the decision", () => {
  it("scales up to the next rung when every gate passes, with all gates in their order", () => {
    const decision = decisionOf()
    expect(decision).toMatchObject({
      kind: "scale-up",
      heldBy: null,
      target: { flavor: "rung-4", from: 2, to: 4, rules: ["npu-busy"] },
      cleared: [],
    })
    expect(decision.findings.map(({ gate }) => gate)).toEqual(GATES)
    expect(decision.findings.filter(({ passed }) => passed !== true)).toEqual([])
  })

  it.each(OBSTACLES)("holds with reason %s when only the gate of that reason fails", (reason, over) => {
    expect(decisionOf(over)).toMatchObject({ kind: "hold", heldBy: reason })
  })

  it("every gate gives a sentence, and a reason exactly if it fails", () => {
    for (const [, over] of OBSTACLES) {
      for (const { passed, reason, says } of decisionOf(over).findings) {
        expect(says).not.toBe("")
        expect(reason === null).toBe(passed !== false)
      }
    }
  })

  it("all gates are evaluated even after one has failed, so that why-not lists all failures", () => {
    const decision = decisionOf({
      signal: alarmOf({ state: "ok" }),
      cloudSkewMs: 61_000,
      state: stateWith({ completedAt: NOW - 59 * MINUTE, attempt: attemptOf({ from: 1, to: 2 }) }),
      offers: read([{ flavor: "rung-4", soldOut: true }]),
    })
    expect(decision.findings.filter(({ passed }) => passed === false).map(({ reason }) => reason)).toEqual([
      "not-alarm",
      "clock-skewed",
      "in-flight",
      "cooldown",
      "sold-out",
    ])
  })

  it.each<[string, Partial<Situation>, string[]]>([
    ["the control stream", { control: NOT_FETCHED }, ["not-paused", "no-hold"]],
    [
      "the supernode",
      { supernode: NOT_FETCHED },
      [
        "supernode-ready",
        "rung-known",
        "evidence",
        "rung-above-current",
        "within-servers-limit",
        "offer-available",
      ],
    ],
    [
      "the readings",
      { readings: NOT_FETCHED },
      ["evidence", "rung-above-current", "within-servers-limit", "offer-available"],
    ],
    ["the offers", { offers: NOT_FETCHED }, ["offer-available"]],
  ])(
    "does not buy before reading %s: the gates that need this input have no verdict and say so",
    (_, over, gates) => {
      const decision = decisionOf(over)
      expect(decision).toMatchObject({ kind: "hold", heldBy: null })
      const unevaluated = decision.findings.filter(({ passed }) => passed === null)
      expect(unevaluated.map(({ gate }) => gate)).toEqual(gates)
      for (const { says } of unevaluated) expect(says).not.toBe("")
    },
  )

  it.each<[string, Partial<Situation>, string]>([
    ["control stream", { control: unreadable() }, "control-unreadable"],
    ["supernode", { supernode: unreadable() }, "supernode-unreadable"],
    ["metrics", { readings: unreadable() }, "missing-data"],
    ["offers", { offers: unreadable() }, "offers-unreadable"],
    ["supernode (HTTP 401)", { supernode: unreadable("HTTP 401", true) }, "credentials"],
    ["metrics (HTTP 403)", { readings: unreadable("HTTP 403", true) }, "credentials"],
    ["offers (HTTP 403)", { offers: unreadable("HTTP 403", true) }, "credentials"],
  ])("holds with the matching reason when it cannot read the %s", (_, over, reason) => {
    expect(decisionOf(over)).toMatchObject({ kind: "hold", heldBy: reason })
  })

  it.each(["efficacy", "within-budget", "approved"])(
    "gate %s passes, and says so, if the policy does not use it",
    (gate) => {
      const { passed, says } = findingOf(gate)
      expect(passed).toBe(true)
      expect(says).toMatch(/\bno\b/)
    },
  )

  it("a decision keeps its target even if a later gate holds", () => {
    expect(
      decisionOf({
        state: stateWith({ completedAt: NOW - HOUR + 1, openedAt: NOW - HOUR }),
        policy: policyOf({ warmup: "0s" }),
      }),
    ).toMatchObject({
      heldBy: "cooldown",
      target: { flavor: "rung-4", from: 2, to: 4 },
    })
  })

  it("deciding does not change the situation, and decides the same each time", () => {
    const situation = deepFreeze(situationOf({ signal: requestOf() }))
    expect(decide(situation, digest)).toEqual(decide(structuredClone(situation), digest))
  })

  it("never buys in any combination of failing gates; the first one gives the reason", () => {
    fc.assert(
      fc.property(fc.subarray(OBSTACLES, { minLength: 1 }), (obstacles) => {
        const over = obstacles.map(([, change]) => change)
        const decision = decisionOf({
          ...Object.assign({}, ...over),
          state: stateWith(Object.assign({}, ...over.map((change) => change.state ?? {}))),
        })
        expect(decision.kind).toBe("hold")
        expect(decision.heldBy).toBe(decision.findings.find(({ passed }) => passed === false)?.reason)
      }),
      { numRuns: 300 },
    )
  })

  it("buys if and only if every gate passed, whatever inputs could be read", () => {
    const seen = <T>(...values: T[]) => fc.constantFrom(NOT_FETCHED, unreadable(), ...values.map(read))
    const anySituation = fc.record({
      control: seen(NO_CONTROL),
      supernode: seen(supernodeOf(), supernodeOf({ servers: null }), supernodeOf({ servers: serversOf(1) })),
      readings: seen([readingOf([97, 97, 97, 97, 97])], [readingOf([null, null, null, null, null])], []),
      offers: seen(offersOf("rung-4"), offersOf("rung-2", "rung-4"), []),
      signal: fc.constantFrom(
        alarmOf(),
        requestOf(),
        requestOf({ servers: null }),
        requestOf({ mode: "live" }),
      ),
    })
    fc.assert(
      fc.property(anySituation, (over) => {
        const decision = decisionOf(over)
        const allPassed = decision.findings.every(({ passed }) => passed === true)
        expect(decision.kind === "scale-up").toBe(allPassed)
        if (allPassed)
          expect(decision.target?.to).toBeGreaterThan(decision.target?.from ?? Number.POSITIVE_INFINITY)
      }),
    )
  })
})

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const child of Object.values(value)) deepFreeze(child)
    Object.freeze(value)
  }
  return value
}

describe("the last check before the request", () => {
  const control = read(NO_CONTROL)
  it.each<[string, number, Partial<Situation>, string | null]>([
    ["passes if there is no operator command", 0, {}, null],
    ["ignores that the alarm is now an hour old: the decision's evidence counts", HOUR, {}, null],
    [
      "fails by gate not-paused if the control stream cannot be read",
      0,
      { control: unreadable() },
      "not-paused",
    ],
  ])("the last check before the request %s", (_, later, over, gate) => {
    const decided = situationOf({ control })
    const look = { control: over.control ?? control, now: NOW + later }
    expect(whyNotSent(decided, look, digest)?.gate ?? null).toBe(gate)
  })
})
