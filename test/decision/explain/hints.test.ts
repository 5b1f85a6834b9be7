import { describe, expect, it } from "vitest"
import type { Hint } from "../../../lib/decision/explain/change.ts"
import { hintOf } from "../../../lib/decision/explain/hints.ts"
import { chooseRung } from "../../../lib/decision/ladder/choose-rung.ts"
import { planScaleUp } from "../../../lib/decision/plan.ts"
import type { Situation } from "../../../lib/decision/situation.ts"
import { NO_CONTROL } from "../../../lib/decision/state/control.ts"
import type { Purchase } from "../../../lib/decision/state/purchases.ts"
import { digest } from "../../../lib/digest.ts"
import { holdFor } from "../../../lib/run/hold-for.ts"
import {
  ALARM_ID,
  alarmOf,
  attemptOf,
  DAY,
  effectOf,
  HOUR,
  MINUTE,
  NOW,
  type PolicyInput,
  policyInput,
  policyOf,
  read,
  readingOf,
  requestOf,
  ruleInput,
  SECOND,
  SUPERNODE_ID,
  scheduleInput,
  serversOf,
  situationOf,
  stateWith,
  supernodeOf,
  unreadable,
} from "../builders.ts"
import { decisionOf, withRule } from "../judge.ts"

// One sentence per reason, word for word, as operators read it after "to continue:".
// test/properties/why-not.test.ts checks that each is true.

const KNOWN = { servers: ["s1", "s2"] }
const CNY = (amount: number) => ({ amount, currency: "CNY" })
const bought = (ago: number, amount: number | null = 100_000): Purchase => ({
  attempt: `attempt-${ago}`,
  at: NOW - ago,
  cost: amount === null ? null : { minor: amount * 100, currency: "CNY" },
  state: "booked",
})
const stop = (until: number | null) => ({ why: "maintenance", by: "ops", at: NOW - HOUR, until })
const SETTLE = "run: supernode-autoscaler settle train-a --as completed|absent --why TEXT --by WHO"
const RESET = "run: supernode-autoscaler reset train-a --why TEXT --by WHO"

function nearestIn(reason: string, over: Partial<Situation>): string | null {
  const found = decisionOf(over).findings.find((finding) => finding.reason === reason)
  if (!found) throw new Error(`nothing holds for ${reason}: ${decisionOf(over).heldBy}`)
  return hintOf(found)
}

const attempt = (
  state: "open" | "accepted" | "unknown" | "stuck" | "partial" | "wrong",
  openedAt = NOW - HOUR,
) => ({
  state: stateWith({
    ...KNOWN,
    attempt: attemptOf({ state, openedAt, deadline: openedAt + 90 * SECOND, from: 1, to: 2 }),
  }),
})
const control = (over: Partial<typeof NO_CONTROL>) => ({ control: read({ ...NO_CONTROL, ...over }) })
const limited = (limits: Partial<PolicyInput["limits"]>, rest: Partial<PolicyInput> = {}) =>
  policyOf({ limits: { actions: "9 per 24h", servers: 48, ...limits }, ...rest })
const priceless = policyInput().ladder.map(({ flavor, servers }) => ({ flavor, servers }))
const approval = policyOf({ approval: { above: CNY(1), approvers: 2 } })
const planned = situationOf({ policy: approval })
const target = chooseRung(planned).target
const hash = target ? planScaleUp(planned, target, digest).hash : ""
const effect = effectOf({ metric: digest({ metric: policyOf().rules[0]?.metric, highIsBad: true }) })
const wanting = policyOf({ efficacy: { purchases: 1, min_gain: 5 } })

describe("the hint of a failed gate", () => {
  it.each<[string, Partial<Situation>, string | null]>([
    ["signal-invalid", { signal: alarmOf({ at: Number.NaN }) }, "the signal must carry a readable time"],
    ["not-alarm", { signal: alarmOf({ state: "ok" }) }, "the alarm must change to state alarm"],
    [
      "duplicate",
      {
        state: stateWith({
          signals: { "alarm-1": { run: "run-0", seq: 1, at: NOW, keepUntil: NOW + HOUR } },
        }),
      },
      null,
    ],
    [
      "clock-behind-ledger",
      { headAt: NOW + 2 * MINUTE },
      "wait until 2024-01-12T17:01:00.000Z, when our clock is within 60s of the ledger's newest entry",
    ],
    [
      "clock-behind-ledger",
      { headAt: NOW + 400 * DAY },
      "a wrong clock dated the ledger's newest entry; run: supernode-autoscaler reset train-a --why TEXT --by WHO",
    ],
    ["clock-skewed", { cloudSkewMs: 75_000 }, "set our clock forward by 75s"],
    ["clock-skewed", { cloudSkewMs: -75_000 }, "set our clock back by 75s"],
    ["control-unreadable", { control: unreadable() }, "the control stream must be readable again"],
    [
      "paused",
      control({ pausedAll: stop(NOW + HOUR) }),
      "wait until 2024-01-12T18:00:00.000Z, when the pause ends, or run: supernode-autoscaler resume --by WHO",
    ],
    [
      "paused",
      control({ paused: { [SUPERNODE_ID]: stop(null) } }),
      "run: supernode-autoscaler resume train-a --by WHO",
    ],
    [
      "paused",
      control({ pausedAll: stop(null), paused: { [SUPERNODE_ID]: stop(null) } }),
      "run: supernode-autoscaler resume --by WHO, and run: supernode-autoscaler resume train-a --by WHO",
    ],
    [
      "stale",
      { signal: alarmOf({ at: NOW - HOUR }) },
      "wait for a signal of 2024-01-12T16:45:00.000Z or later",
    ],
    [
      "stale",
      {
        state: stateWith({
          episodes: { [`${ALARM_ID} instance_id:ecs-s1`]: { closedAt: NOW } },
        }),
      },
      "wait for a signal of 2024-01-12T17:00:00.000Z or later",
    ],
    [
      "from-the-future",
      { signal: alarmOf({ at: NOW + 2 * MINUTE }) },
      "wait until 2024-01-12T17:01:00.000Z, when our clock is within 60s of the signal",
    ],
    [
      "held",
      control({ held: { [SUPERNODE_ID]: stop(NOW + HOUR) } }),
      "wait until 2024-01-12T18:00:00.000Z, when the hold ends, or run: supernode-autoscaler hold train-a --until now --why TEXT --by WHO",
    ],
    ["in-flight", attempt("accepted"), "all ordered servers must be RUNNING"],
    [
      "in-flight",
      attempt("open", NOW),
      "the run that opened the attempt must record its outcome; after 2024-01-12T17:01:30.000Z a person may settle it",
    ],
    ["outcome-unknown", attempt("open"), SETTLE],
    ["outcome-unknown", attempt("unknown"), SETTLE],
    ["stuck", attempt("stuck"), SETTLE],
    ["partial", attempt("partial"), SETTLE],
    ["wrong", attempt("wrong"), SETTLE],
    ["breaker", { state: stateWith({ breaker: { class: "quota", since: NOW, says: "400 X" } }) }, RESET],
    [
      "backoff",
      { state: stateWith({ throttle: { until: NOW + MINUTE, times: 1 } }) },
      "wait until 2024-01-12T17:01:00.000Z, when the backoff ends",
    ],
    ["supernode-unreadable", { supernode: unreadable() }, "the supernode must be readable again"],
    ["supernode-unreadable", { state: stateWith({ servers: ["s1", "s2", "s9"] }) }, RESET],
    [
      "credentials",
      { supernode: unreadable("HTTP 403", true) },
      "the keys for the supernode must be accepted",
    ],
    ["credentials", { readings: unreadable("HTTP 403", true) }, "the keys for the metrics must be accepted"],
    [
      "credentials",
      { offers: unreadable("HTTP 403", true) },
      "the keys for scale-evaluations must be accepted",
    ],
    [
      "supernode-not-ready",
      { supernode: read(supernodeOf({ status: "REIMAGING" })) },
      "the supernode must become ACTIVE",
    ],
    [
      "supernode-not-ready",
      { supernode: read(supernodeOf({ servers: serversOf(2, { status: "STARTING" }) })) },
      "train-a-s1, train-a-s2 must become RUNNING",
    ],
    [
      "rung-unknown",
      { supernode: read(supernodeOf({ servers: serversOf(3) })) },
      "add a rung of 3 servers to the ladder",
    ],
    ["rung-unknown", { signal: requestOf({ servers: 5 }) }, "add a rung of 5 servers to the ladder"],
    [
      "not-breaching",
      { readings: read([readingOf([97, 97, 10, 10, 10])]) },
      "wait for 1 more point of npu-busy above 85",
    ],
    [
      "missing-data",
      { readings: read([readingOf([97, null, null, 10, 10])]) },
      "wait for 2 more points of npu-busy above 85 (2 of 5 are missing)",
    ],
    [
      "not-breaching",
      withRule(
        {
          above: undefined,
          steps: [
            { from: 70, to: 90, up: 1 },
            { from: 90, up: 2 },
          ],
        },
        readingOf([10, 10, 10, 75, 75]),
      ),
      "wait for 1 more point of npu-busy at least 70",
    ],
    ["missing-data", { readings: unreadable() }, "the metrics must be readable again"],
    [
      "latched",
      withRule({ repeat: false, clear: 80 }, readingOf([97, 97, 97, 97, 79]), {
        state: stateWith({ latches: { "npu-busy": NOW - HOUR } }),
      }),
      "wait until npu-busy clears (2 more points below 80) and breaches again (3 points above 85)",
    ],
    [
      "already-there",
      {
        supernode: read(supernodeOf({ servers: serversOf(4) })),
        readings: read([readingOf([97, 97, 97, 97, 97], { servers: ["s1", "s2", "s3", "s4"] })]),
      },
      "add a rung of more than 4 servers to the ladder",
    ],
    ["already-there", { signal: requestOf({ servers: 2 }) }, null],
    ["at-limit", { policy: limited({ servers: 3 }) }, "raise limits.servers to at least 4"],
    [
      "cooldown",
      { state: stateWith({ ...KNOWN, completedAt: NOW - MINUTE }) },
      "wait until 2024-01-12T17:59:00.000Z, when the cooldown ends",
    ],
    [
      "action-rate",
      { state: stateWith({ ...KNOWN, purchases: [bought(3 * HOUR), bought(2 * HOUR), bought(HOUR)] }) },
      "wait until 2024-01-13T15:00:00.000Z, when 2 purchases leave the window of limits.actions",
    ],
    [
      "action-rate",
      { policy: limited({ actions: "0 per 24h" }) },
      "raise limits.actions to at least 1 per 1d",
    ],
    [
      "efficacy",
      {
        policy: wanting,
        state: stateWith({
          ...KNOWN,
          effects: [{ ...effect, completedAt: NOW - 5 * HOUR, after: 96, gain: 1 }],
        }),
      },
      RESET,
    ],
    [
      "efficacy",
      {
        policy: wanting,
        state: stateWith({
          ...KNOWN,
          effects: [{ ...effect, completedAt: NOW }],
        }),
      },
      `a purchase that rule npu-busy caused must have improved its metric by at least 5 (measurable after 2024-01-12T17:41:00.000Z); or ${RESET}`,
    ],
    ["not-offered", { offers: read([]) }, "scale-evaluations must list rung-4"],
    ["sold-out", { offers: read([{ flavor: "rung-4", soldOut: true }]) }, "rung-4 must be in stock"],
    [
      "sold-out",
      {
        supernode: read(supernodeOf({ servers: serversOf(1) })),
        offers: read([
          { flavor: "rung-2", soldOut: true },
          { flavor: "rung-4", soldOut: false },
        ]),
      },
      "rung-2 must be in stock again, or set sold_out to next-larger",
    ],
    [
      "flavor-blocked",
      { state: stateWith({ blocked: { "rung-4": { until: NOW + MINUTE, times: 1 } } }) },
      "wait until 2024-01-12T17:01:00.000Z, when the block of rung-4 ends",
    ],
    ["offers-unreadable", { offers: unreadable() }, "scale-evaluations must be readable again"],
    [
      "offers-unreadable",
      { offers: read([{ flavor: "rung-4", soldOut: null }]) },
      "scale-evaluations must say clearly that rung-4 is in stock",
    ],
    [
      "price-unknown",
      { policy: limited({ budget: { ...CNY(500_000), per: "30d" } }, { ladder: priceless }) },
      "set ladder.2.price",
    ],
    [
      "price-unknown",
      {
        policy: limited({ budget: { ...CNY(500_000), per: "30d" } }),
        state: stateWith({ ...KNOWN, purchases: [bought(DAY, null)] }),
      },
      "wait until 2024-02-10T17:00:00.000Z, when 1 purchase without a price in CNY leaves the window of limits.budget",
    ],
    [
      "over-budget",
      {
        policy: limited({ budget: { ...CNY(500_000), per: "30d" } }),
        state: stateWith({ ...KNOWN, purchases: [bought(20 * DAY, 120_000), bought(2 * DAY, 380_000)] }),
      },
      "raise limits.budget to at least 620000 CNY, or wait until 2024-01-22T17:00:00.000Z, when 120000 CNY leave the window",
    ],
    [
      "over-budget",
      {
        policy: policyOf(
          { limits: { actions: "9 per 24h", servers: 48, budget: { ...CNY(150_000), per: "month" } } },
          { timezone: "Asia/Shanghai" },
        ),
        state: stateWith({ ...KNOWN, purchases: [bought(2 * DAY, 50_000)] }),
      },
      "raise limits.budget to at least 170000 CNY, or wait until 2024-01-31T16:00:00.000Z, when 50000 CNY leave the window",
    ],
    [
      "over-budget",
      { policy: limited({ budget: { ...CNY(1_000), per: "30d" } }) },
      "raise limits.budget to at least 120000 CNY",
    ],
    [
      "plan-changed",
      { signal: requestOf({ mode: "live", planHash: "sha256:another" }) },
      "run: supernode-autoscaler dry-run train-a, and send a request with the planHash that it shows",
    ],
    [
      "approval-needed",
      { policy: approval },
      `2 of 2 approvals are missing; run: supernode-autoscaler approve ${hash} --by WHO, where WHO is ada or ann or bob or boss or carl or ops@example.com`,
    ],
    [
      "approval-needed",
      {
        policy: approval,
        signal: requestOf(),
        ...control({ approvals: [{ planHash: hash, by: "ann", at: NOW - MINUTE }] }),
      },
      `1 of 2 approvals is missing; run: supernode-autoscaler approve ${hash} --by WHO, where WHO is ada or bob or boss or carl`,
    ],
  ])(
    "the hint of a failed gate names the nearest change that lets the gate pass: %s",
    (reason, over, says) => {
      expect(nearestIn(reason, over)).toBe(says)
    },
  )

  it.each([
    ["overtaken", "wait for the next signal: other runs wrote to the ledger at the same time"],
    ["no-time", "raise the function's time limit"],
    ["standing-full", null],
  ])("a hold that no gate gives has the expected hint: %s", (reason, says) => {
    const held = holdFor(decisionOf(), reason, "so it is")
    expect(held.findings.flatMap((finding) => hintOf(finding) ?? [])).toEqual(says === null ? [] : [says])
  })
})

describe("the hint for programs", () => {
  const changeIn = (over: Partial<Situation>): Hint["change"][] =>
    decisionOf(over).findings.flatMap(({ facts }) =>
      facts["nearest"] ? [(facts["nearest"] as Hint).change] : [],
    )

  it("a hint contains, as data for programs, its instant, its count and level, or its path and value", () => {
    expect(changeIn({ state: stateWith({ ...KNOWN, foreignAt: NOW - 30 * MINUTE }) })).toEqual([
      { kind: "wait", until: NOW + 30 * MINUTE },
    ])
    expect(changeIn({ readings: read([readingOf([97, 97, 10, 10, 10])]) })).toEqual([
      { kind: "points", rule: "npu-busy", count: 1, level: { op: "above", value: 85 } },
    ])
    expect(changeIn({ policy: limited({ servers: 3 }) })).toEqual([
      { kind: "policy", path: "limits.servers", value: 4 },
    ])
  })

  const daily = (cron: string) => policyOf({ schedules: [scheduleInput({ cron })] })
  const quiet = { readings: read([readingOf([10, 10, 10, 10, 10])]) }

  it("a hint names a schedule's start, and also the metric if that can change sooner", () => {
    const soon = { ...quiet, policy: daily("5 17 * * *") }
    expect(changeIn(soon)).toEqual([{ kind: "wait", until: NOW + 5 * MINUTE }])
    expect(nearestIn("not-breaching", soon)).toBe(
      "wait until Fri 2024-01-12 17:05 +00:00 UTC (2024-01-12T17:05:00Z), when schedule day starts",
    )
    expect(nearestIn("not-breaching", { ...quiet, policy: daily("0 19 * * *") })).toBe(
      "wait for 3 more points of npu-busy above 85; or wait until Fri 2024-01-12 19:00 +00:00 UTC (2024-01-12T19:00:00Z), when schedule day starts",
    )
  })

  it("a hint names a reset if a schedule that is switched off would buy at once", () => {
    const policy = daily("0 16 * * *")
    const state = stateWith({ ...KNOWN, rulesOff: { "schedule:day": digest(policy) } })
    expect(nearestIn("latched", { ...quiet, policy, state })).toBe(`${RESET}, or change the policy`)
  })

  it("a hint names the rule that needs the fewest points, and among equal rules the first in the policy", () => {
    const policy = policyOf({
      rules: [ruleInput({ name: "far" }), ruleInput({ name: "near" }), ruleInput({ name: "as-near" })],
    })
    const far = readingOf([10, 10, 10, 10, 10], { rule: "far" })
    const near = ["near", "as-near"].map((rule) => readingOf([97, 97, 10, 10, 10], { rule }))
    expect(changeIn({ policy, readings: read([far, ...near]) })).toEqual([
      { kind: "points", rule: "near", count: 1, level: { op: "above", value: 85 } },
    ])
  })

  it("a gate has no hint if it passed or was not evaluated", () => {
    expect(changeIn({})).toEqual([])
    expect(changeIn({ offers: { state: "not-read" } })).toEqual([])
  })
})
