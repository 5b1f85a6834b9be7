import type * as z from "zod"
import type { Fetched } from "../../lib/decision/inputs/fetched.ts"
import { newestPeriods, type Reading } from "../../lib/decision/inputs/reading.ts"
import type { AlarmSignal, RequestSignal, TickSignal } from "../../lib/decision/inputs/signal.ts"
import type { Offer, Server, Supernode } from "../../lib/decision/inputs/supernode.ts"
import { type FileWide, type Policy, supernodeSchema } from "../../lib/decision/policy/policy.ts"
import type { Situation } from "../../lib/decision/situation.ts"
import type { OpenAttempt } from "../../lib/decision/state/attempt.ts"
import { NO_CONTROL } from "../../lib/decision/state/control.ts"
import type { Effect } from "../../lib/decision/state/effect.ts"
import { EMPTY_STATE, type SupernodeState } from "../../lib/decision/state/state.ts"
import { digest } from "../../lib/digest.ts"
import { readCron } from "../../lib/policy-file/cron.ts"

// A busy supernode of two servers on the ladder 1, 2, 4, for which every gate passes. Each test overrides the
// one value that it concerns.

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

export const NOW = Date.parse("2024-01-12T17:00:00Z")
export const SUPERNODE_ID = "b4beacb6-4380-448c-a218-daa82cf03f5d"
export const ALARM_ID = "al1704475580412b2a4lnr3W"

/** One supernode as the policy file writes it. */
export type PolicyInput = z.input<typeof supernodeSchema>
export type RuleInput = PolicyInput["rules"][number]

/** `npu-busy`: Cloud Eye, above 85 in 3 of the 5 newest 5-minute periods. */
export function ruleInput(over: Partial<RuleInput> = {}): RuleInput {
  return {
    name: "npu-busy",
    metric: { "cloud-eye": { namespace: "AGT.ECS", name: "npu_util_rate_ai_core", period: "5m" } },
    above: 85,
    points: "3 of 5",
    ...over,
  }
}

export type ScheduleInput = NonNullable<PolicyInput["schedules"]>[number]

/** `day`: at least 4 servers for 10 hours from 8:00, every day; its cron expression as the file writes it. */
export function scheduleInput({
  cron = "0 8 * * *",
  ...over
}: Partial<ScheduleInput | { cron: string }> = {}) {
  const fields = typeof cron === "string" ? readCron(cron) : cron
  if ("problem" in fields) throw new Error(fields.problem)
  return { name: "day", cron: fields, for: "10h", at_least: 4, ...over }
}

export function policyInput(over: Partial<PolicyInput> = {}): PolicyInput {
  return {
    name: "train-a",
    region: "cn-southwest-2",
    project_id: "0123456789abcdef0123456789abcdef",
    id: SUPERNODE_ID,
    alarms: [{ "cloud-eye": ALARM_ID }],
    rules: [ruleInput()],
    ladder: [
      { flavor: "rung-1", servers: 1, price: { amount: 60_000, currency: "CNY", per: "month" } },
      { flavor: "rung-2", servers: 2, price: { amount: 120_000, currency: "CNY", per: "month" } },
      { flavor: "rung-4", servers: 4, price: { amount: 240_000, currency: "CNY", per: "month" } },
    ],
    order: { image_id: "f4059eb4-c2f5-46a8-9b33-6cbed5d3fc81" },
    limits: { actions: "2 per 24h", servers: 48 },
    ...over,
  }
}

/** All approvers of the tests. */
const APPROVERS = ["ada", "ann", "bob", "boss", "carl", "ops@example.com"].map((name) => ({ name }))

/** The policy of such a file, checked and with its defaults. */
export function policyOf(over: Partial<PolicyInput> = {}, file: Partial<FileWide> = {}): Policy {
  return {
    ...supernodeSchema.parse(policyInput(over)),
    timezone: "UTC",
    fleet: null,
    approvers: APPROVERS,
    ...file,
  }
}

/** Server `s1`, `s2` …: RUNNING, made 30 days ago. */
export function serverOf(id: string, over: Partial<Server> = {}): Server {
  return {
    id,
    name: `train-a-${id}`,
    status: "RUNNING",
    flavor: null,
    createAt: NOW - 30 * DAY,
    updateAt: NOW - 30 * DAY,
    orderId: null,
    cloudServer: { id: `cs-${id}`, hpsId: `hps-${id}`, hpsEcsId: `ecs-${id}` },
    ...over,
  }
}

export function serversOf(count: number, over: Partial<Server> = {}): Server[] {
  return Array.from({ length: count }, (_, i) => serverOf(`s${i + 1}`, over))
}

export function supernodeOf(over: Partial<Supernode> = {}): Supernode {
  return { id: SUPERNODE_ID, name: "train-a", status: "ACTIVE", servers: serversOf(2), ...over }
}

export function alarmOf(over: Partial<AlarmSignal> = {}): AlarmSignal {
  return {
    kind: "alarm",
    id: "alarm-1",
    source: "cloud-eye",
    alarm: ALARM_ID,
    labels: {},
    resource: { instance_id: "ecs-s1" },
    state: "alarm",
    at: NOW - MINUTE,
    episode: { key: `${ALARM_ID} instance_id:ecs-s1`, startsAt: null },
    points: null,
    periodMs: null,
    ...over,
  }
}

export function tickOf(over: Partial<TickSignal> = {}): TickSignal {
  return { kind: "tick", id: "tick-1", name: "every-5-minutes", at: NOW - SECOND, ...over }
}

export function requestOf(over: Partial<RequestSignal> = {}): RequestSignal {
  return {
    kind: "request",
    id: "request-1",
    at: NOW - SECOND,
    supernode: "train-a",
    mode: "dry-run",
    servers: 4,
    requestedBy: "ops@example.com",
    why: "launch week",
    planHash: null,
    bypassCooldown: false,
    ...over,
  }
}

interface Measured {
  rule?: string
  servers?: string[]
  periodMs?: number
  lagMs?: number
  now?: number
}

/** The newest values of a metric, newest first, the same on every server; null for a missing point. */
export function readingOf(newestFirst: (number | null)[], measured: Measured = {}): Reading {
  const {
    rule = "npu-busy",
    servers = ["s1", "s2"],
    periodMs = 5 * MINUTE,
    lagMs = MINUTE,
    now = NOW,
  } = measured
  const starts = newestPeriods({ now, periodMs, lagMs, count: newestFirst.length })
  const points = starts
    .flatMap((at, i) => {
      const value = newestFirst[i]
      return value === null || value === undefined ? [] : [{ at, value }]
    })
    .reverse()
  return { rule, periodMs, series: servers.map((server) => ({ server, points })), problem: null }
}

export function offersOf(...flavors: string[]): Offer[] {
  return flavors.map((flavor) => ({ flavor, soldOut: false }))
}

export function read<T>(value: T): Fetched<T> {
  return { state: "read", value }
}

export function unreadable(
  why = "HTTP 503",
  credentials = false,
): { state: "unreadable"; why: string; credentials: boolean } {
  return { state: "unreadable", why, credentials }
}

export function stateWith(over: Partial<SupernodeState> = {}): SupernodeState {
  return { ...EMPTY_STATE, ...over }
}

/** An attempt from two servers to four that was accepted an hour ago. */
export function attemptOf(over: Partial<OpenAttempt> = {}): OpenAttempt {
  const openedAt = NOW - HOUR
  return {
    id: "attempt-1",
    run: "run-0",
    state: "accepted",
    says: "accepted: the answer names the supernode",
    seq: 1,
    openedAt,
    sendBefore: openedAt + 30 * SECOND,
    deadline: openedAt + 90 * SECOND,
    acceptedAt: openedAt + SECOND,
    flavor: "rung-4",
    from: 2,
    to: 4,
    cost: { minor: 12_000_000, currency: "CNY" },
    before: ["s1", "s2"],
    orderId: "CS2401120001",
    rules: ["npu-busy"],
    latching: [],
    ...over,
  }
}

/** Effect of a purchase that npu-busy at 97 caused and that completed an hour ago: not measured yet. */
export function effectOf(over: Partial<Effect> = {}): Effect {
  return {
    rule: "npu-busy",
    metric: "m",
    before: 97,
    attempt: "attempt-1",
    completedAt: NOW - HOUR,
    after: null,
    gain: null,
    ...over,
  }
}

/**
 * A situation with readable sources in which every gate passes: load at 97, `rung-4` on offer, an empty
 * state.
 */
export function situationOf(over: Partial<Situation> = {}): Situation {
  const policy = over.policy ?? policyOf()
  return {
    signal: alarmOf(),
    exclusive: true,
    policy,
    policyHash: digest(policy),
    endpoint: "https://modelarts.cn-southwest-2.myhuaweicloud.com",
    run: "run-1",
    now: NOW,
    headAt: null,
    state: stateWith(),
    control: read(NO_CONTROL),
    cloudSkewMs: 0,
    supernode: read(supernodeOf()),
    readings: read([readingOf([97, 97, 97, 97, 97])]),
    offers: read(offersOf("rung-1", "rung-2", "rung-4")),
    ...over,
  }
}
