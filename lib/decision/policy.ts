import * as z from "zod"
import { countPer, duration, money, moneyShape, pointsOf, positiveDuration, share } from "./units.ts"

// What the operator allows for one supernode. The bounds are those of the API page, so that an order that the cloud
// would refuse fails when the file is read and not when it is sent. Written keys are snake_case, read ones camelCase.

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const VOLUME_TYPES = ["ESSD", "GPSSD", "SAS", "SATA", "SSD"] as const
const RULE_NAME = /^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/

/** Names that may stand in braces in a metric's dimensions; each is a field of the supernode or of one server. */
export const DIMENSION_TEMPLATES = [
  "{supernode.id}",
  "{server.id}",
  "{server.name}",
  "{server.cloud_server.id}",
  "{server.cloud_server.hps_id}",
  "{server.cloud_server.hps_ecs_id}",
] as const

const uuid = z.string().regex(UUID, { error: "must be a lower-case UUID (36 characters)" })

/** API page, `flavor`: 1 to 128. Its prose forbids hyphens, its own example has them; so they are allowed. */
const flavor = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,128}$/, { error: "must be 1 to 128 letters, digits, periods, hyphens or underscores" })

const gigabytes = (max: number) =>
  z.int({ error: "must be a whole number of GB" }).min(100, { error: `must be 100 to ${max} GB` }).max(max, {
    error: `must be 100 to ${max} GB`,
  })

const volumeType = z.enum(VOLUME_TYPES, { error: `must be one of ${VOLUME_TYPES.join(", ")}` })

/** API page, EvsVolume. */
const rootVolume = z.strictObject({ size: gigabytes(1024).optional(), type: volumeType.optional() })

/** API page, ServerDataVolume. */
const dataVolume = z.strictObject({
  size: gigabytes(32_768),
  type: volumeType,
  count: z.int({ error: "must be a whole number" }).min(1, { error: "must be 1 to 8" }).max(8, { error: "must be 1 to 8" }),
})

const alarmMatch = z
  .strictObject({
    "cloud-eye": z.string().regex(/^al[0-9A-Za-z]{1,62}$/, { error: "must be a Cloud Eye alarm_id such as al1704475580412b2a4lnr3W" }).optional(),
    cloudwatch: z.string().regex(/^arn:aws[a-z-]*:cloudwatch:[a-z0-9-]+:\d{12}:alarm:.{1,255}$/, { error: "must be a CloudWatch alarm ARN" }).optional(),
    alertmanager: z.record(z.string(), z.string()).refine((labels) => Object.keys(labels).length > 0, { error: "must name at least one label" }).optional(),
  })
  .refine((match) => Object.values(match).filter((value) => value !== undefined).length === 1, {
    error: "must have exactly one of cloud-eye, cloudwatch, alertmanager",
  })

const dimensionValue = z.string().min(1).max(256).refine(
  (text) => (text.match(/\{[^}]*\}/g) ?? []).every((name) => (DIMENSION_TEMPLATES as readonly string[]).includes(name)),
  { error: `may only use the templates ${DIMENSION_TEMPLATES.join(", ")}` },
)

const dimensions = z.record(z.string().min(1).max(64), dimensionValue).refine(
  (dims) => Object.keys(dims).length >= 1 && Object.keys(dims).length <= 4,
  { error: "must have 1 to 4 dimensions" },
)

const CLOUD_EYE_PERIODS: readonly number[] = [60_000, 300_000, 1_200_000, 3_600_000, 14_400_000, 86_400_000]

const cloudEyeMetric = z.strictObject({
  namespace: z.string().regex(/^[A-Za-z][A-Za-z0-9_]*\.[A-Za-z][A-Za-z0-9_]*$/, { error: "must be a Cloud Eye namespace such as AGT.ECS" }),
  name: z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,95}$/, { error: "must be a Cloud Eye metric name such as npu_util_rate_ai_core" }),
  dimensions: dimensions.default({ instance_id: "{server.cloud_server.hps_ecs_id}" }),
  statistic: z.enum(["average", "max", "min", "sum", "variance"]).default("average"),
  period: positiveDuration.refine((ms) => CLOUD_EYE_PERIODS.includes(ms), { error: "must be 1m, 5m, 20m, 1h, 4h or 1d (60s to 86400s as Cloud Eye aggregates)" }),
})

const prometheusMetric = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }),
  query: z.string().min(1).max(4096),
  period: positiveDuration,
})

const cloudwatchMetric = z.strictObject({
  region: z.string().regex(/^[a-z0-9-]{1,32}$/, { error: "must be an AWS region" }).optional(),
  namespace: z.string().min(1).max(255),
  name: z.string().min(1).max(255),
  dimensions: z.record(z.string().min(1).max(255), dimensionValue).default({}),
  statistic: z.enum(["average", "max", "min", "sum", "variance"]).default("average"),
  period: positiveDuration.refine((ms) => ms % 60_000 === 0, { error: "must be a multiple of 1m" }),
})

const metric = z
  .strictObject({
    "cloud-eye": cloudEyeMetric.optional(),
    prometheus: prometheusMetric.optional(),
    cloudwatch: cloudwatchMetric.optional(),
    alarm: z.literal(true, { error: "must be true" }).optional(),
    servers: z.enum(["all"]).default("all"),
    aggregate: z.enum(["average", "max", "min"]).default("average"),
    quorum: share.prefault("100%"),
    lag: duration.prefault("1m"),
  })
  .refine((m) => [m["cloud-eye"], m.prometheus, m.cloudwatch, m.alarm].filter((source) => source !== undefined).length === 1, {
    error: "must have exactly one data source: cloud-eye, prometheus, cloudwatch or alarm",
  })

const finite = z.number({ error: "must be a number" })

const step = z
  .strictObject({ from: finite.optional(), to: finite.optional(), up: z.int().min(1, { error: "must be 1 or more rungs" }).max(48) })
  .refine((s) => s.from === undefined || s.to === undefined || s.from < s.to, { error: "must have from < to" })

/** Which side of a threshold breaches. `above` is `>`, `at_least` is `>=`, `below` is `<`, `at_most` is `<=`. */
export const COMPARISONS = ["above", "at_least", "below", "at_most"] as const
export type ComparisonOperator = (typeof COMPARISONS)[number]

const rule = z
  .strictObject({
    name: z.string().regex(RULE_NAME, { error: "must be kebab-case, 1 to 64 characters" }),
    metric,
    above: finite.optional(),
    at_least: finite.optional(),
    below: finite.optional(),
    at_most: finite.optional(),
    clear: finite.optional(),
    points: pointsOf.prefault("1 of 1"),
    missing: z.enum(["hold", "breaching", "not-breaching"]).default("hold"),
    repeat: z.boolean().default(true),
    steps: z.array(step).min(1).max(20).optional(),
  })
  .superRefine((r, ctx) => {
    const written = COMPARISONS.filter((op) => r[op] !== undefined)
    if (written.length + (r.steps ? 1 : 0) !== 1) {
      ctx.addIssue({ code: "custom", message: `must have exactly one of ${COMPARISONS.join(", ")}, steps` })
      return
    }
    const op = written[0]
    if (op !== undefined && r.clear !== undefined) {
      const threshold = r[op] ?? 0
      const highIsBad = op === "above" || op === "at_least"
      if (highIsBad ? r.clear >= threshold : r.clear <= threshold) {
        ctx.addIssue({ code: "custom", path: ["clear"], message: `must be ${highIsBad ? "below" : "above"} ${op} ${threshold}` })
      }
    }
    for (const problem of stepProblems(r.steps ?? [])) ctx.addIssue({ code: "custom", path: ["steps"], message: problem })
  })
  .transform(({ above, at_least, below, at_most, clear, steps, ...rest }) => {
    const values = { above, at_least, below, at_most }
    const op = COMPARISONS.find((name) => values[name] !== undefined)
    return {
      ...rest,
      compare: op === undefined ? null : { op, value: values[op] ?? Number.NaN },
      clear: clear ?? null,
      steps: (steps ?? []).map((s) => ({ from: s.from ?? null, to: s.to ?? null, up: s.up })),
    }
  })

/** Steps must cover one stretch without gap or overlap, at most open at its two ends. */
function stepProblems(steps: readonly { from?: number | undefined; to?: number | undefined; up: number }[]): string[] {
  const sorted = [...steps].sort((a, b) => (a.from ?? -Infinity) - (b.from ?? -Infinity))
  return sorted.slice(1).flatMap((next, i) => {
    const before = sorted[i]
    if (before?.to === undefined || next.from === undefined) return ["must have at most one open end on each side"]
    if (before.to < next.from) return [`must have no gap: nothing covers ${before.to} to ${next.from}`]
    if (before.to > next.from) return [`must not overlap: ${next.from} to ${before.to} is covered twice`]
    return []
  })
}

/** Hours of a price's period. A month counts 730 h where a commitment is written in another unit than the price. */
export const PERIOD_HOURS = { hour: 1, day: 24, week: 168, month: 730, year: 8760 } as const
export type PricePeriod = keyof typeof PERIOD_HOURS

const price = z
  .strictObject({
    ...moneyShape,
    per: z.enum(["hour", "day", "week", "month", "year"]),
    commitment: z.string().regex(/^[1-9]\d{0,3} (hour|day|week|month|year)s?$/, { error: 'must be a commitment such as "1 month"' }).optional(),
  })
  .transform(({ amount, currency, per, commitment }) => {
    const [count = "1", unit = per] = (commitment ?? `1 ${per}`).split(" ")
    const hours = Number(count) * PERIOD_HOURS[unit.replace(/s$/, "") as PricePeriod]
    // A commitment that does not divide is rounded up: a bill may be over-estimated, never under-estimated.
    const periods = Math.max(1, Math.ceil(hours / PERIOD_HOURS[per]))
    return { minor: Math.round(amount * 100), currency, per, periods }
  })

const rung = z.strictObject({
  flavor,
  servers: z.int().min(1, { error: "must be 1 to 48 servers" }).max(48, { error: "must be 1 to 48 servers" }),
  price: price.optional().transform((p) => p ?? null),
})

const ladder = z
  .array(rung)
  .min(1, { error: "must have at least one rung" })
  .superRefine((rungs, ctx) => {
    rungs.forEach((r, i) => {
      const before = rungs[i - 1]
      if (before && r.servers <= before.servers) {
        ctx.addIssue({ code: "custom", path: [i, "servers"], message: `must grow: the rung before has ${before.servers} servers` })
      }
      if (rungs.findIndex((other) => other.flavor === r.flavor) < i) {
        ctx.addIssue({ code: "custom", path: [i, "flavor"], message: `must be on one rung only: ${r.flavor} stands above already` })
      }
    })
  })

/** What the raw text of `userdata` or `userdata_file` became: the text itself travels beside the policy, never in it. */
const userdataDigest = z.strictObject({ sha256: z.string(), bytes: z.int() })

const order = z
  .strictObject({
    image_id: uuid,
    key_pair_name: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, { error: "must be 1 to 64 letters, digits, hyphens, underscores or periods" }).optional(),
    root_volume: rootVolume.optional(),
    data_volume: dataVolume.optional(),
    userdata: z.union([z.string(), userdataDigest]).optional(),
    userdata_file: z.string().min(1).optional(),
  })
  .refine((o) => o.userdata === undefined || o.userdata_file === undefined, {
    path: ["userdata_file"],
    error: "must not stand beside userdata: write one of the two",
  })

const budget = z.strictObject({
  ...moneyShape,
  per: z.union([z.literal("month"), positiveDuration], { error: 'must be a duration such as "30d", or "month"' }),
}).transform(({ amount, currency, per }) => ({ minor: Math.round(amount * 100), currency, per }))

const limits = z.strictObject({
  actions: countPer,
  servers: z.int().min(1, { error: "must be 1 to 48 servers" }).max(48, { error: "must be 1 to 48 servers" }),
  budget: budget.optional().transform((b) => b ?? null),
})

const schedule = z.strictObject({
  name: z.string().regex(RULE_NAME, { error: "must be kebab-case, 1 to 64 characters" }),
  cron: z.string().regex(/^\S+( \S+){4,5}$/, { error: 'must be a cron expression of 5 fields, such as "0 8 * * 1-5"' }),
  for: positiveDuration,
  at_least: z.int().min(1).max(48),
  cooldown: z.enum(["respect", "bypass"]).default("respect"),
})

export const fleetSchema = z
  .strictObject({
    actions: countPer.optional().transform((a) => a ?? null),
    budget: budget.optional().transform((b) => b ?? null),
  })

/** One supernode of the policy file, `defaults` merged in. */
export const supernodeSchema = z
  .strictObject({
    name: z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/, { error: "must be 1 to 64 letters, digits, periods, hyphens or underscores" }),
    region: z.string().regex(/^[a-z0-9-]{1,32}$/, { error: "must be a region such as cn-southwest-2" }),
    project_id: z.string().regex(/^[A-Za-z0-9-]{1,64}$/, { error: "must be 1 to 64 letters, digits or hyphens" }),
    id: uuid,
    alarms: z.array(alarmMatch).default([]),
    rules: z.array(rule).min(1, { error: "must have at least one rule" }),
    ladder,
    sold_out: z.enum(["hold", "next-larger"]).default("hold"),
    order,
    limits,
    cooldown: duration.prefault("60m"),
    min_interval: duration.prefault("30m"),
    warmup: duration.prefault("15m"),
    schedules: z.array(schedule).default([]),
    approval: z.strictObject({ above: money, approvers: z.int().min(1).max(10).default(1), expires: positiveDuration.prefault("4h") }).optional(),
    unknown_outcome: z.enum(["human", "auto"]).default("human"),
    efficacy: z.strictObject({ purchases: z.int().min(1).max(20), min_gain: z.number().positive() }).optional(),
    arm_after: duration.prefault("0s"),
  })
  .superRefine((s, ctx) => {
    for (const [key, list] of [["rules", s.rules], ["schedules", s.schedules]] as const) {
      list.forEach((item, i) => {
        if (list.findIndex((other) => other.name === item.name) < i) {
          ctx.addIssue({ code: "custom", path: [key, i, "name"], message: `must be unique: ${item.name} stands above already` })
        }
      })
    }
    const money = [
      ...s.ladder.flatMap((r, i) => (r.price ? [{ path: ["ladder", i, "price", "currency"], currency: r.price.currency }] : [])),
      ...(s.limits.budget ? [{ path: ["limits", "budget", "currency"], currency: s.limits.budget.currency }] : []),
      ...(s.approval ? [{ path: ["approval", "above", "currency"], currency: s.approval.above.currency }] : []),
    ]
    for (const { path, currency } of money.slice(1)) {
      if (currency !== money[0]?.currency) {
        ctx.addIssue({ code: "custom", path, message: `must be ${money[0]?.currency} as elsewhere: currencies are never converted` })
      }
    }
  })
  .transform((s) => ({
    name: s.name,
    region: s.region,
    projectId: s.project_id,
    id: s.id,
    alarms: s.alarms,
    rules: s.rules,
    ladder: s.ladder,
    soldOut: s.sold_out,
    order: s.order,
    limits: s.limits,
    cooldownMs: s.cooldown,
    minIntervalMs: s.min_interval,
    warmupMs: s.warmup,
    schedules: s.schedules,
    approval: s.approval ?? null,
    unknownOutcome: s.unknown_outcome,
    efficacy: s.efficacy ? { purchases: s.efficacy.purchases, minGain: s.efficacy.min_gain } : null,
    armAfterMs: s.arm_after,
  }))

/** What the file says for all supernodes and each one's hash covers. */
export interface FileWide {
  /** IANA name, for schedules and calendar budgets. */
  timezone: string
  fleet: z.output<typeof fleetSchema> | null
}

/** What the operator allows for one supernode: defaults merged in, durations in milliseconds, money in hundredths. */
export type Policy = z.output<typeof supernodeSchema> & FileWide
export type Rule = Policy["rules"][number]
export type Rung = Policy["ladder"][number]
export type Order = Policy["order"]
export type AlarmMatch = Policy["alarms"][number]
export type Budget = NonNullable<Policy["limits"]["budget"]>
