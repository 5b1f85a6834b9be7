import * as fc from "fast-check"
import { NOT_FETCHED } from "../../lib/decision/inputs/fetched.ts"
import type { Reading } from "../../lib/decision/inputs/reading.ts"
import type { Signal } from "../../lib/decision/inputs/signal.ts"
import type { Offer, Server } from "../../lib/decision/inputs/supernode.ts"
import { chooseRung } from "../../lib/decision/ladder/choose-rung.ts"
import { planScaleUp } from "../../lib/decision/plan.ts"
import type { FileWide, Policy } from "../../lib/decision/policy/policy.ts"
import type { Situation } from "../../lib/decision/situation.ts"
import { NO_CONTROL, type Stop } from "../../lib/decision/state/control.ts"
import type { EarlierDelivery } from "../../lib/decision/state/freshness.ts"
import type { Purchase } from "../../lib/decision/state/purchases.ts"
import type { SupernodeState } from "../../lib/decision/state/state.ts"
import { digest } from "../../lib/digest.ts"
import {
  ALARM_ID,
  alarmOf,
  attemptOf,
  DAY,
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
  SECOND,
  SUPERNODE_ID,
  scheduleInput,
  serverOf,
  situationOf,
  stateWith,
  supernodeOf,
  tickOf,
  unreadable,
} from "../decision/builders.ts"

// Situations that hold, of every kind that a gate knows. Each part is usually valid, so that the later gates
// are reached too.

/** Usually the first value, sometimes another one. */
function mostly<T>(usual: T, ...others: fc.Arbitrary<T>[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary: fc.oneof(...others) })
}

/** A time up to `mostMs` ago or `aheadMs` ahead: whole seconds, or a millisecond more or less. */
function ago(mostMs: number, aheadMs = 0): fc.Arbitrary<number> {
  return fc
    .tuple(fc.integer({ min: -aheadMs / SECOND, max: mostMs / SECOND }), fc.integer({ min: -1, max: 1 }))
    .map(([seconds, ms]) => NOW - seconds * SECOND + ms)
}

/** One of these lists of names. */
const lists = (...some: string[][]) => fc.constantFrom(...some)
const orNull = <T>(some: fc.Arbitrary<T>) => fc.option(some, { freq: 2 })

const signal: fc.Arbitrary<Signal> = fc
  .record({
    kind: mostly<"alarm" | "tick" | "request">("alarm", fc.constantFrom("tick", "request")),
    at: mostly(NOW - MINUTE, ago(40 * MINUTE, 5 * MINUTE), fc.constant(Number.NaN)),
    state: mostly<"alarm" | "ok" | "unknown">("alarm", fc.constantFrom("ok", "unknown")),
    servers: fc.constantFrom(null, 1, 2, 3, 4, 6),
    planHash: fc.constantFrom(null, "sha256:another"),
    mode: fc.constantFrom("dry-run" as const, "live" as const),
  })
  .map(({ kind, at, state, servers, planHash, mode }) => {
    if (kind === "alarm") return alarmOf({ at, state })
    return kind === "tick" ? tickOf({ at }) : requestOf({ at, servers, planHash, mode })
  })

const stop: fc.Arbitrary<Stop> = orNull(ago(HOUR, DAY)).map((until) => ({
  why: "maintenance",
  by: "ops",
  at: NOW - HOUR,
  until,
}))

const rule: fc.Arbitrary<RuleInput> = fc
  .record({
    level: fc.constantFrom<Partial<RuleInput>>(
      { above: 85 },
      { above: 85, clear: 80 },
      { at_least: 85 },
      { below: 15, clear: 20 },
      { at_most: 15 },
      {
        steps: [
          { from: 85, to: 95, up: 1 },
          { from: 95, up: 2 },
        ],
        clear: 70,
      },
      {
        steps: [
          { to: 5, up: 2 },
          { from: 5, to: 15, up: 1 },
        ],
      },
      {
        steps: [
          { to: 50, up: 1 },
          { from: 50, up: 1 },
        ],
      },
    ),
    points: fc.constantFrom("1 of 1", "3 of 5", "2 of 3", "5 of 5", "1 of 6"),
    missing: fc.constantFrom("hold" as const, "breaching" as const, "not-breaching" as const),
    repeat: fc.boolean(),
    quorum: fc.constantFrom("100%", "50%"),
    isAlarm: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
  })
  .map(({ level, quorum, isAlarm, ...rest }) => {
    const { above: _none, metric, ...plain } = ruleInput()
    return { ...plain, ...rest, ...level, metric: isAlarm ? { alarm: true } : { ...metric, quorum } }
  })

const value = fc.constantFrom(null, 0, 5, 10, 15, 20, 50, 70, 80, 85, 86, 95, 97, 97, 97)

/** A reading with random values, or with only the highest or only the lowest value. */
function reading(name: string): fc.Arbitrary<Reading> {
  return fc
    .record({
      values: fc.oneof(
        fc.array(value, { minLength: 6, maxLength: 6 }),
        fc.constantFrom(...[97, 0].map((v) => Array.from({ length: 6 }, () => v))),
      ),
      servers: lists(["s1", "s2", "s3", "s4"], ["s1"], ["s2", "s3"]),
      isWhole: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
      flaw: mostly<Partial<Reading>>(
        {},
        fc.constantFrom(
          { problem: "HTTP 403", credentials: true as const },
          { problem: "not asked", unasked: true as const },
        ),
      ),
    })
    .map(({ values, servers, isWhole, flaw }) => {
      const whole = readingOf(values, { rule: name, servers })
      const series = isWhole
        ? whole.series.slice(0, 1).map((one) => ({ ...one, server: null }))
        : whole.series
      return { ...whole, series: flaw.credentials || flaw.unasked ? [] : series, ...flaw }
    })
}

const price = (amount: number, isKnown: boolean) =>
  isKnown ? { price: { amount, currency: "CNY", per: "month" as const } } : {}

const per = fc.constantFrom("12h", "3d", "30d")
const budget = fc
  .oneof(per, fc.constant("month"))
  .chain((window) =>
    fc
      .constantFrom(60_000, 120_000, 200_000.55, 500_000)
      .map((amount) => ({ amount, currency: "CNY", per: window })),
  )

type Schedules = NonNullable<PolicyInput["schedules"]>

/** Schedules: some are active at `NOW`, some start soon, and some are rare. */
const schedules: fc.Arbitrary<Schedules> = fc
  .array(
    fc.record({
      cron: fc.constantFrom(
        "0 17 * * *",
        "* * * * *",
        "3 17 * * 5",
        "30 8 * * 1",
        "0 0 1 * *",
        "0 12 29 2 *",
      ),
      for: fc.constantFrom("1m", "2h", "9h"),
      at_least: fc.constantFrom(1, 2, 3, 6),
      cooldown: fc.constantFrom("respect" as const, "bypass" as const),
    }),
    { minLength: 1, maxLength: 2 },
  )
  .map((list) => list.map((one, i) => scheduleInput({ ...one, name: `floor-${i}` })))

const policy: fc.Arbitrary<Policy> = fc
  .record({
    rules: fc.oneof(fc.tuple(rule), fc.tuple(rule, rule)),
    known: fc.tuple(mostly(true, fc.constant(false)), mostly(true, fc.constant(false))),
    servers: fc.constantFrom(1, 2, 3, 4, 48),
    actions: fc.tuple(fc.integer({ min: 0, max: 4 }), per).map(([count, window]) => `${count} per ${window}`),
    budget: orNull(budget),
    sold_out: fc.constantFrom("hold" as const, "next-larger" as const),
    approval: orNull(fc.integer({ min: 1, max: 3 })),
    schedules: mostly<Schedules>([], schedules),
    efficacy: orNull(fc.integer({ min: 1, max: 2 })),
    timezone: fc.constantFrom("UTC", "Asia/Shanghai", "America/New_York", "Pacific/Apia"),
    fleetActions: orNull(fc.integer({ min: 0, max: 3 })),
    fleetBudget: orNull(budget),
  })
  .map((drawn) => {
    const [named, other] = drawn.rules
    const rules = [named, ...(other ? [{ ...other, name: "npu-other" }] : [])]
    const input: Partial<PolicyInput> = {
      rules,
      ladder: [
        { flavor: "rung-1", servers: 1, ...price(60_000, drawn.known[0]) },
        { flavor: "rung-2", servers: 2, ...price(120_000, true) },
        { flavor: "rung-4", servers: 4, ...price(240_000, drawn.known[1]) },
        { flavor: "rung-6", servers: 6, ...price(330_000.01, true) },
      ],
      limits: {
        actions: drawn.actions,
        servers: drawn.servers,
        ...(drawn.budget ? { budget: drawn.budget } : {}),
      },
      sold_out: drawn.sold_out,
      schedules: drawn.schedules.map((one) => ({ ...one, at_least: Math.min(one.at_least, drawn.servers) })),
      ...(drawn.approval === null
        ? {}
        : { approval: { above: { amount: 1_000, currency: "CNY" }, approvers: drawn.approval } }),
      ...(drawn.efficacy === null ? {} : { efficacy: { purchases: drawn.efficacy, min_gain: 5 } }),
    }
    const fleetBudget = drawn.fleetBudget
      ? {
          minor: Math.round(drawn.fleetBudget.amount * 100),
          currency: "CNY",
          per:
            policyOf({ limits: { actions: "1 per 1d", servers: 4, budget: drawn.fleetBudget } }).limits.budget
              ?.per ?? DAY,
        }
      : null
    const fleet: FileWide["fleet"] =
      drawn.fleetActions === null && !fleetBudget
        ? null
        : {
            actions: drawn.fleetActions === null ? null : { count: drawn.fleetActions, perMs: DAY },
            budget: fleetBudget,
          }
    return policyOf(input, { timezone: drawn.timezone, fleet })
  })

function purchases(prefix: string): fc.Arbitrary<Purchase[]> {
  return fc
    .array(
      fc.record({
        at: fc.oneof(ago(6 * HOUR, 30 * SECOND), ago(40 * DAY)),
        cost: mostly<Purchase["cost"]>(
          { minor: 6_000_000, currency: "CNY" },
          fc.constantFrom(null, { minor: 11_000_055, currency: "CNY" }, { minor: 100, currency: "USD" }),
        ),
        state: fc.constantFrom("reserved" as const, "booked" as const),
      }),
      { maxLength: 5 },
    )
    .map((list) => list.map((one, i) => ({ ...one, attempt: `${prefix}-${i}` })))
}

const attempt = fc
  .record({
    state: fc.constantFrom(
      "open" as const,
      "accepted" as const,
      "unknown" as const,
      "stuck" as const,
      "partial" as const,
      "wrong" as const,
    ),
    openedAt: ago(2 * HOUR),
    before: lists(["s1", "s2"], ["s1", "gone"]),
  })
  .map((over) =>
    attemptOf({
      ...over,
      sendBefore: over.openedAt + 30 * SECOND,
      deadline: over.openedAt + 90 * SECOND,
      from: 1,
      to: 2,
    }),
  )

const wait = ago(HOUR, HOUR).map((until) => ({ until, times: 1 }))

const state: fc.Arbitrary<SupernodeState> = fc
  .record({
    attempt: mostly(null, attempt),
    breaker: mostly(null, fc.constant({ class: "quota" as const, since: NOW - HOUR, says: "400 X" })),
    throttle: mostly(null, wait),
    openedAt: orNull(ago(DAY, 30 * SECOND)),
    completedAt: orNull(fc.oneof(ago(2 * HOUR), ago(30 * DAY))),
    foreignAt: orNull(ago(3 * HOUR)),
    servers: mostly<string[] | null>(["s1"], fc.constantFrom(null, ["s1", "gone"])),
    newServers: lists([], ["s2"], ["s1", "s2", "s3", "s4"]),
    purchases: purchases("own"),
    closedAt: mostly(null, ago(HOUR, 10 * MINUTE)),
    mergedAt: mostly(null, ago(HOUR, 10 * MINUTE)),
    spentUntil: mostly(null, ago(HOUR, 10 * MINUTE)),
    latched: mostly<string[]>([], fc.constantFrom(["npu-busy"], ["npu-busy", "npu-other"])),
    latchedAt: ago(2 * HOUR),
    off: mostly<string[]>(
      [],
      lists(["npu-busy"], ["npu-other", "npu-busy"], ["schedule:floor-0", "npu-busy"], ["schedule:floor-0"]),
    ),
    blocked: lists([], ["rung-2"], ["rung-4"], ["rung-2", "rung-4", "rung-6"]),
    block: wait,
  })
  .map(({ closedAt, mergedAt, spentUntil, latched, latchedAt, off, blocked, block, ...rest }) =>
    stateWith({
      ...rest,
      ...(mergedAt === null ? {} : { episodesClosedAt: mergedAt }),
      ...(spentUntil === null ? {} : { spentUntil }),
      episodes: closedAt === null ? {} : { [`${ALARM_ID} instance_id:ecs-s1`]: { closedAt } },
      latches: Object.fromEntries(latched.map((name) => [name, latchedAt])),
      rulesOff: Object.fromEntries(off.map((name) => [name, "off"])),
      blocked: Object.fromEntries(
        blocked.map((flavor, i) => [flavor, { ...block, until: block.until + i * MINUTE }]),
      ),
    }),
  )

/** The first delivery of a person's request that has only held. */
const asked = fc.record({ at: ago(8 * HOUR), forApprovalOnly: fc.boolean() })

const effects = fc.array(
  fc.record({
    completedAt: ago(3 * HOUR),
    before: fc.constantFrom(null, 97),
    after: fc.constantFrom(null, 96),
  }),
  { maxLength: 3 },
)

const servers: fc.Arbitrary<Server[]> = fc
  .record({
    count: fc.constantFrom(1, 2, 2, 2, 3, 4, 6),
    status: mostly("RUNNING", fc.constantFrom("STOPPED", "STARTING")),
    first: mostly("RUNNING", fc.constantFrom("STOPPED", "ERROR", "DELETED")),
    createAt: fc.oneof(
      // Never later than now: until the first reading is recorded, such a server would always count as
      // created just now.
      ago(HOUR).map((at) => Math.min(at, NOW)),
      fc.constant(NOW - 30 * DAY),
    ),
  })
  .map(({ count, status, first, createAt }) =>
    Array.from({ length: count }, (_, i) =>
      serverOf(`s${i + 1}`, { status: i === 0 ? first : status, ...(i === 1 ? { createAt } : {}) }),
    ),
  )

const offers: fc.Arbitrary<Offer[]> = fc
  .tuple(
    ...["rung-1", "rung-2", "rung-4", "rung-6"].map((flavor) =>
      mostly<Offer[]>(
        [{ flavor, soldOut: false }],
        fc.constantFrom<Offer[]>([], [{ flavor, soldOut: true }], [{ flavor, soldOut: null }]),
      ),
    ),
  )
  .map((lists) => lists.flat())

const failing = fc.boolean().map((credentials) => unreadable("HTTP 503", credentials))

/**
 * One situation. Approvals name the plan that would be bought now, and effects the metric that the rule
 * measures now.
 */
export const holding: fc.Arbitrary<Situation> = fc
  .record({
    signal,
    policy,
    state,
    asked: mostly<EarlierDelivery | null>(null, asked),
    effects,
    control: fc.record({
      pausedAll: mostly(null, stop),
      one: mostly(null, stop),
      held: mostly(
        null,
        stop.filter(({ until }) => until !== null),
      ),
    }),
    controlFails: mostly(
      false,
      fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
    ),
    approvals: fc.array(
      fc.record({ by: fc.constantFrom("ann", "Bob", "ops@example.com"), at: ago(6 * HOUR, 30 * SECOND) }),
      { maxLength: 3 },
    ),
    headAt: mostly<number | null>(null, ago(HOUR, 5 * MINUTE)),
    cloudSkewMs: mostly<number | null>(0, fc.integer({ min: -200_000, max: 200_000 }), fc.constant(null)),
    status: mostly("ACTIVE", fc.constantFrom("REIMAGING", "ERROR")),
    servers: mostly<Server[] | null>(null, servers),
    hasList: mostly(
      true,
      fc.integer({ min: 0, max: 5 }).map((n) => n > 0),
    ),
    supernodeFails: mostly<ReturnType<typeof unreadable> | null>(null, failing),
    readings: fc.tuple(reading("npu-busy"), reading("npu-other")),
    readingsFail: fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, failing),
    offers,
    offersFail: fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, failing),
    theirs: purchases("other"),
  })
  .map((drawn) => {
    const { signal: woken, policy: allowed, readingsFail, headAt, cloudSkewMs } = drawn
    const list = drawn.servers ?? [serverOf("s1"), serverOf("s2")]
    const measured = drawn.readings.map((one) => {
      const written = allowed.rules.find(({ name }) => name === one.rule)
      return written?.metric.alarm && one.series.length > 1 ? { ...one, series: one.series.slice(0, 1) } : one
    })
    // If the metrics could not be read, no rule is latched or switched off.
    const quiet = readingsFail ? { latches: {}, rulesOff: {} } : {}
    const so = situationOf({
      signal: woken,
      policy: allowed,
      policyHash: "off",
      headAt,
      cloudSkewMs,
      ...(woken.kind === "request" && drawn.asked ? { asked: drawn.asked } : {}),
      state: { ...drawn.state, ...quiet },
      control: drawn.controlFails
        ? unreadable()
        : read({
            ...NO_CONTROL,
            pausedAll: drawn.control.pausedAll,
            paused: drawn.control.one ? { [SUPERNODE_ID]: drawn.control.one } : {},
            held: drawn.control.held ? { [SUPERNODE_ID]: drawn.control.held } : {},
          }),
      supernode:
        drawn.supernodeFails ??
        read(supernodeOf({ status: drawn.status, servers: drawn.hasList ? list : null })),
      readings:
        readingsFail ??
        read(measured.filter(({ rule: name }) => allowed.rules.some((one) => one.name === name))),
      offers: drawn.offersFail ?? read(drawn.offers),
      fleet: allowed.fleet
        ? read({ purchases: drawn.theirs.map((one) => ({ ...one, stream: "supernode:other" })) })
        : NOT_FETCHED,
    })
    return withApprovals(withEffects(so, drawn.effects), drawn.approvals)
  })

/** Only caps hold: one or several of a budget and a rate, of the supernode and of all supernodes. */
export const holdingByMoney: fc.Arbitrary<Situation> = fc
  .record({
    policy: policy.filter(({ limits, fleet }) => limits.budget !== null || fleet !== null),
    own: purchases("own"),
    theirs: purchases("other"),
  })
  .map(({ policy: allowed, own, theirs }) => {
    const { limits, ladder } = policyOf()
    const inCny = (list: Purchase[]) =>
      list.map((one) => ({
        ...one,
        cost: one.cost?.currency === "CNY" ? one.cost : { minor: 1, currency: "CNY" },
      }))
    const { actions, budget: amount } = allowed.limits
    return situationOf({
      policy: {
        ...policyOf(),
        ladder,
        limits: { ...limits, actions, budget: amount },
        timezone: allowed.timezone,
        fleet: allowed.fleet,
      },
      state: stateWith({ purchases: inCny(own) }),
      fleet: allowed.fleet
        ? read({ purchases: inCny(theirs).map((one) => ({ ...one, stream: "supernode:other" })) })
        : NOT_FETCHED,
    })
  })

function withApprovals(so: Situation, words: { by: string; at: number }[]): Situation {
  const { target } = chooseRung(so)
  if (so.control.state !== "read" || !target) return so
  const { hash } = planScaleUp(so, target, digest)
  const approvals = words.map((command) => ({ ...command, planHash: hash }))
  return { ...so, control: read({ ...so.control.value, approvals }) }
}

interface Drawn {
  completedAt: number
  before: number | null
  after: number | null
}

function withEffects(so: Situation, drawn: Drawn[]): Situation {
  const [first] = so.policy.rules
  if (!so.policy.efficacy || !first || drawn.length === 0) return so
  const metric = digest({ metric: first.metric, highIsBad: isHighBad(first) })
  const done = drawn.map(({ completedAt, before, after }, i) => {
    const measured = before === null ? null : after
    return {
      attempt: `bought-${i}`,
      rule: first.name,
      metric,
      before,
      completedAt,
      after: measured,
      gain: measured === null ? null : 1,
    }
  })
  return { ...so, state: { ...so.state, effects: done } }
}

function isHighBad({ compare, steps }: Policy["rules"][number]): boolean {
  if (compare) return compare.op === "above" || compare.op === "at_least"
  return steps.some(({ to }) => to === null) || steps.every(({ from }) => from !== null)
}
