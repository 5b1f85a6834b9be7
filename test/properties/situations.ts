import * as fc from "fast-check"
import type { Fetched } from "../../lib/decision/inputs/fetched.ts"
import { newestPeriods, type Reading } from "../../lib/decision/inputs/reading.ts"
import { presentServers } from "../../lib/decision/inputs/supernode.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import type { Situation } from "../../lib/decision/situation.ts"
import { NO_CONTROL } from "../../lib/decision/state/control.ts"
import type { EarlierDelivery } from "../../lib/decision/state/freshness.ts"
import type { SupernodeState } from "../../lib/decision/state/state.ts"
import { digest } from "../../lib/digest.ts"
import {
  alarmOf,
  attemptOf,
  HOUR,
  MINUTE,
  NOW,
  type PolicyInput,
  policyOf,
  read,
  requestOf,
  ruleInput,
  SUPERNODE_ID,
  serverOf,
  situationOf,
  stateWith,
  supernodeOf,
  tickOf,
  unreadable,
} from "../decision/builders.ts"

// Random situations, most of them unusual: properties of all decisions must hold for these.

const LADDER = [1, 2, 4, 8, 16, 32]

type RuleShape = Partial<PolicyInput["rules"][number]>

const shapeOfRule: fc.Arbitrary<RuleShape> = fc.oneof(
  fc.constantFrom<RuleShape>(
    { above: 85 },
    { at_least: 85, clear: 70 },
    { below: 10 },
    { at_most: 10, clear: 30 },
    {
      steps: [
        { from: 50, to: 80, up: 1 },
        { from: 80, up: 2 },
      ],
    },
    { steps: [{ to: 20, up: 1 }] },
  ),
)

const rule = (name: string): fc.Arbitrary<PolicyInput["rules"][number]> =>
  fc
    .record({
      shape: shapeOfRule,
      n: fc.integer({ min: 1, max: 4 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      missing: fc.constantFrom<"hold" | "breaching" | "not-breaching">("hold", "breaching", "not-breaching"),
      repeat: fc.boolean(),
      quorum: fc.constantFrom("100%", "50%", "1%"),
      aggregate: fc.constantFrom<"average" | "max" | "min">("average", "max", "min"),
    })
    .map(({ shape, n, share, missing, repeat, quorum, aggregate }) => {
      const { above: _none, metric, ...bare } = ruleInput({ name })
      const m = Math.max(1, Math.ceil(share * n))
      return {
        ...bare,
        ...shape,
        points: `${m} of ${n}`,
        missing,
        repeat,
        metric: { ...metric, quorum, aggregate },
      }
    })

const money = (amount: number) => ({ amount, currency: "CNY" })

const policyInputs: fc.Arbitrary<Partial<PolicyInput>> = fc.record({
  rules: fc
    .integer({ min: 1, max: 3 })
    .chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => rule(`rule-${i}`)))),
  ladder: fc.subarray(LADDER, { minLength: 3 }).chain((rungs) =>
    fc.boolean().map((hasPrices) =>
      rungs.map((servers) => ({
        flavor: `rung-${servers}`,
        servers,
        ...(hasPrices ? { price: { ...money(servers * 1_000), per: "month" as const } } : {}),
      })),
    ),
  ),
  sold_out: fc.constantFrom<"hold" | "next-larger">("hold", "next-larger"),
  limits: fc.record({
    actions: fc.constantFrom("1 per 1h", "2 per 24h", "0 per 1h"),
    servers: fc.constantFrom(4, 8, 16, 48),
    budget: fc.constantFrom(
      { ...money(3_000), per: "30d" },
      { ...money(40_000), per: "month" },
      { ...money(0), per: "1h" },
    ),
  }),
  cooldown: fc.constantFrom("0s", "60m"),
  min_interval: fc.constantFrom("0s", "30m"),
  warmup: fc.constantFrom("0s", "15m"),
})

/** One policy in four has no budget, and one in two no approval. */
export const policies: fc.Arbitrary<Policy> = fc
  .tuple(policyInputs, fc.nat(3), fc.boolean())
  .filter(([{ ladder, limits }]) => (ladder?.[0]?.servers ?? 0) <= (limits?.servers ?? 0))
  .map(([input, hasBudget, wantsApproval]) => {
    const { budget, ...limits } = input.limits ?? { actions: "1 per 1h", servers: 4 }
    return policyOf({
      ...input,
      limits: hasBudget > 0 && budget ? { ...limits, budget } : limits,
      ...(wantsApproval ? { approval: { above: money(2_000), approvers: 2 } } : {}),
    })
  })

/** The metric of every rule, period and server; null if no server reports. */
export type Load = (number | null)[][][]

const value = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0, 9.99, 10, 20, 49.9, 50, 80, 84.99, 85, 85.01, 97, 100) },
  { weight: 2, arbitrary: fc.double({ min: -5, max: 200, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY) },
  { weight: 2, arbitrary: fc.constant(null) },
)

/** Loads with as many values as any policy here can require. */
export const loads: fc.Arbitrary<Load> = fc.array(
  fc.array(fc.array(value, { minLength: 3, maxLength: 3 }), { minLength: 4, maxLength: 4 }),
  { minLength: 3, maxLength: 3 },
)

/**
 * A load as the meters would report it. Some meters report values that are not finite; the evaluation must
 * accept them.
 */
export function readingsOf(policy: Policy, load: Load, servers: string[]): Reading[] {
  return policy.rules.map((one, r) => {
    const starts = newestPeriods({
      now: NOW,
      periodMs: 5 * MINUTE,
      lagMs: one.metric.lag,
      count: one.points.n,
    })
    const series = servers.map((server, s) => ({
      server,
      points: starts
        .flatMap((at, i) => {
          const measured = load[r]?.[i]?.[s % 3] ?? null
          return measured === null ? [] : [{ at, value: measured }]
        })
        .reverse(),
    }))
    return { rule: one.name, periodMs: 5 * MINUTE, series, problem: null }
  })
}

const standings: fc.Arbitrary<SupernodeState> = fc
  .record({
    attempt: fc.constantFrom(null, null, null, "open", "accepted", "unknown", "stuck", "partial", "wrong"),
    completedAgo: fc.constantFrom(null, 0, 10 * MINUTE, 3 * HOUR),
    purchases: fc.array(fc.record({ ago: fc.nat(40 * 24), cost: fc.constantFrom(null, 1_000, 5_000) }), {
      maxLength: 3,
    }),
    latched: fc.boolean(),
    breaker: fc.nat(5),
    throttled: fc.nat(5),
    blocked: fc.constantFrom(null, "rung-4", "rung-8"),
    seen: fc.nat(8),
    spentAgo: fc.constantFrom(null, null, null, 0, MINUTE, HOUR),
    closedAgo: fc.constantFrom(null, null, null, 0, MINUTE, HOUR),
  })
  .map(
    ({ attempt, completedAgo, purchases, latched, breaker, throttled, blocked, seen, spentAgo, closedAgo }) =>
      stateWith({
        attempt: attempt === null ? null : attemptOf({ state: attempt as "open" }),
        completedAt: completedAgo === null ? null : NOW - completedAgo,
        servers: ["s1", "s2"],
        purchases: purchases.map(({ ago, cost }, i) => ({
          attempt: `before-${i}`,
          at: NOW - ago * HOUR,
          cost: cost === null ? null : { minor: cost * 100, currency: "CNY" },
          state: "booked",
        })),
        latches: latched ? { "rule-0": NOW - HOUR } : {},
        breaker: breaker === 0 ? { class: "balance", since: NOW - HOUR, says: "400 no" } : null,
        throttle: throttled === 0 ? { until: NOW + MINUTE, times: 1 } : null,
        blocked: blocked === null ? {} : { [blocked]: { until: NOW + MINUTE, times: 1 } },
        signals:
          seen === 0 ? { "alarm-1": { run: "run-0", seq: 3, at: NOW - MINUTE, keepUntil: NOW + HOUR } } : {},
        ...(spentAgo === null ? {} : { spentUntil: NOW - spentAgo }),
        ...(closedAgo === null ? {} : { episodesClosedAt: NOW - closedAgo }),
      }),
  )

const stop = { why: "why", by: "ann", at: NOW - HOUR, until: null }
const controls: fc.Arbitrary<Situation["control"]> = fc.constantFrom<Situation["control"]>(
  read(NO_CONTROL),
  read(NO_CONTROL),
  read(NO_CONTROL),
  read({ ...NO_CONTROL, pausedAll: stop }),
  read({ ...NO_CONTROL, held: { [SUPERNODE_ID]: stop } }),
  unreadable(),
  { state: "not-read" },
)

const signals = fc.constantFrom(
  alarmOf(),
  alarmOf(),
  tickOf(),
  tickOf(),
  alarmOf({ state: "ok" }),
  alarmOf({ at: NOW - HOUR }),
  alarmOf({ at: Number.NaN }),
  tickOf({ at: NOW + HOUR }),
  requestOf({ servers: 8 }),
  requestOf({ servers: null }),
  requestOf({ servers: 8, mode: "live", planHash: "sha256:other", bypassCooldown: true }),
)

const supernodes = fc
  .record({
    count: fc.constantFrom(1, 2, 2, 3, 4, 8),
    status: fc.constantFrom("ACTIVE", "ACTIVE", "ACTIVE", "ERROR"),
    odd: fc.constantFrom("RUNNING", "RUNNING", "STOPPED", "DELETED", "REIMAGING"),
  })
  .map(({ count, status, odd }) => {
    const servers = Array.from({ length: count }, (_, i) => serverOf(`s${i + 1}`))
    return supernodeOf({ status, servers: [...servers.slice(0, -1), serverOf(`s${count}`, { status: odd })] })
  })

function sometimes<T>(value: fc.Arbitrary<T>): fc.Arbitrary<Fetched<T>> {
  return fc.oneof(
    { weight: 8, arbitrary: value.map((one): Fetched<T> => read(one)) },
    { weight: 1, arbitrary: fc.constant(unreadable()) },
    { weight: 1, arbitrary: fc.constant(unreadable("HTTP 401", true)) },
    { weight: 1, arbitrary: fc.constant({ state: "not-read" } as const) },
  )
}

/** The first delivery of a person's request that held; sometimes longer ago than it may run again. */
const askedBefore: fc.Arbitrary<EarlierDelivery | null> = fc.option(
  fc.record({
    at: fc.constantFrom(NOW - MINUTE, NOW - 15 * MINUTE, NOW - 15 * MINUTE - 1, NOW - 5 * HOUR),
    forApprovalOnly: fc.boolean(),
  }),
)

/** All parts together; most situations hold for several reasons. */
export const situations: fc.Arbitrary<Situation> = fc
  .record({
    policy: policies,
    load: loads,
    state: standings,
    control: controls,
    signal: signals,
    supernode: sometimes(supernodes),
    soldOut: fc.subarray(LADDER),
    offered: sometimes(fc.subarray(LADDER, { minLength: 4 })),
    cloudSkewMs: fc.constantFrom(null, 0, 0, 61_000),
    headAt: fc.constantFrom(null, NOW - MINUTE, NOW - MINUTE, NOW + 2 * MINUTE),
    metersFail: fc.nat(8),
    askedBefore,
  })
  .map(({ policy, load, soldOut, offered, metersFail, supernode, askedBefore: before, ...rest }) => {
    const servers = supernode.state === "read" ? presentServers(supernode.value).map(({ id }) => id) : []
    const offers: Situation["offers"] =
      offered.state === "read"
        ? read(offered.value.map((count) => ({ flavor: `rung-${count}`, soldOut: soldOut.includes(count) })))
        : offered
    const readings = metersFail === 0 ? unreadable() : read(readingsOf(policy, load, servers))
    const asked = rest.signal.kind === "request" && before ? { asked: before } : {}
    return situationOf({ ...rest, ...asked, policy, policyHash: digest(policy), supernode, offers, readings })
  })
