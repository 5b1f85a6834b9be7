import * as z from "zod"
import { onFirstUse } from "../../on-first-use.ts"
import { isRecord } from "./amounts.ts"
import type { Approver } from "./approvers.ts"
import { MAX_SERVERS } from "./choices.ts"
import { cronFields, writtenCron } from "./cron.ts"
import { money } from "./currency.ts"
import { budget, ladder, limits, order, writtenOrder } from "./order.ts"
import { cloudEyeMetricName, cloudEyeNamespace, cloudwatchAlarm, rule, ruleName } from "./rule.ts"
import { text } from "./text-shape.ts"
import { countPer, duration, positiveDuration, regionName, whenRecord, whole } from "./units.ts"
import { silenceSchema } from "./warnings.ts"

// Limits that the operator sets for one supernode. Keys are snake_case in the file and camelCase once parsed.

/** Format of `id`, the supernode, in the API's documentation of live-scale-up (docs/huawei-api.md). */
const supernodeId = text(
  /^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  "must be a lower-case UUID (36 characters)",
)

const ALARM_SOURCES = ["cloud-eye", "cloudwatch", "alertmanager"] as const

const alarmMatch = z
  .strictObject({
    "cloud-eye": text(
      /^al[0-9A-Za-z]{1,62}$/,
      "must be a Cloud Eye alarm_id such as al1704475580412b2a4lnr3W",
    ).optional(),
    cloudwatch: cloudwatchAlarm.optional(),
    alertmanager: z
      .record(
        z.string().min(1, { error: "must not be empty" }),
        z.string().min(1, { error: "must not be empty" }),
      )
      .refine((labels) => Object.keys(labels).length > 0, { error: "must name at least one label" })
      .optional(),
    /** Metric of the points in the alarm's messages. It does not filter which messages start a run. */
    metric: cloudEyeMetricName.optional(),
    namespace: cloudEyeNamespace.optional(),
  })
  .refine((match) => ALARM_SOURCES.filter((source) => match[source] !== undefined).length === 1, {
    ...whenRecord,
    error: `must have exactly one of ${ALARM_SOURCES.join(", ")}`,
  })
  .superRefine((match, ctx) => {
    const report = (key: string, message: string) => ctx.addIssue({ code: "custom", path: [key], message })
    if (match.metric !== undefined && match["cloud-eye"] === undefined)
      report("metric", "is allowed only with cloud-eye: it names a Cloud Eye metric")
    if (match.namespace !== undefined && match.metric === undefined)
      report("namespace", "needs metric: it is the namespace of that metric")
  }, whenRecord)
  .meta({ oneOf: ALARM_SOURCES.map((source) => ({ required: [source] })) })

const scheduleShape = onFirstUse(() => ({
  name: ruleName,
  cron: cronFields(),
  for: positiveDuration,
  at_least: whole(1, MAX_SERVERS, "servers"),
  cooldown: z.enum(["respect", "bypass"]).default("respect"),
}))

/** A schedule: a floor while it is active, never a ceiling or a scale-in. */
const schedule = () =>
  z.strictObject(scheduleShape()).transform((s) => ({
    name: s.name,
    cron: s.cron,
    forMs: s.for,
    atLeast: s.at_least,
    cooldown: s.cooldown,
  }))

/** A schedule as written in the policy file. */
const writtenSchedule = () => z.strictObject({ ...scheduleShape(), cron: writtenCron() })

/** Caps across all supernodes of the file. */
export const fleetSchema = z.strictObject({
  actions: countPer.optional().transform((a) => a ?? null),
  budget: budget.optional().transform((b) => b ?? null),
})

const shape = {
  name: text(
    /^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/,
    "must be 1 to 64 letters, digits, periods, hyphens or underscores, with a letter or digit at both ends",
  ),
  region: regionName("must be a region such as cn-southwest-2"),
  project_id: text(
    /^[A-Za-z0-9-]{1,64}$/,
    "must be 1 to 64 letters, digits or hyphens (in quotes, if all digits)",
  ),
  id: supernodeId,
  alarms: z.array(alarmMatch).default([]),
  rules: z
    .array(rule, { error: "must be a list of at least one rule" })
    .min(1, { error: "must have at least one rule" }),
  ladder,
  sold_out: z.enum(["hold", "next-larger"]).default("hold"),
  order,
  limits,
  cooldown: duration.prefault("60m"),
  min_interval: duration.prefault("30m"),
  warmup: duration.prefault("15m"),
  schedules: z.array(z.lazy(schedule)).default([]),
  approval: z
    .strictObject({
      above: money,
      approvers: whole(1, 10).default(1),
      expires: positiveDuration.prefault("4h"),
    })
    .optional(),
  unknown_outcome: z.enum(["human", "auto"]).default("human"),
  efficacy: z
    .strictObject({
      purchases: whole(1, 20, "purchases"),
      min_gain: z.number({ error: "must be a number" }).positive({ error: "must be above 0" }),
    })
    .optional(),
  arm_after: duration.prefault("0s"),
  /** Not part of the policy: it changes only the output of `validate`. */
  silence: silenceSchema,
}

/** Keys of a supernode in the policy file, each checked separately. Also checks `defaults`. */
export const writtenKeysSchema = z.strictObject({
  ...shape,
  order: writtenOrder,
  schedules: z.array(z.lazy(writtenSchedule)).default([]),
})

/** One supernode as the policy file writes it, `defaults` merged in. */
export const writtenSupernodeSchema = writtenKeysSchema.superRefine((s, ctx) => {
  for (const { path, message } of problemsAcrossKeys(s)) ctx.addIssue({ code: "custom", path, message })
}, whenRecord)

/** One supernode after userdata was replaced by its digest, and each `cron` by its `CronFields`. */
export const supernodeSchema = z
  .strictObject(shape)
  .superRefine((s, ctx) => {
    for (const { path, message } of problemsAcrossKeys(s)) ctx.addIssue({ code: "custom", path, message })
    const [first, ...others] = currenciesOf(s)
    for (const { path, currency } of others) {
      if (currency === first?.currency) continue
      ctx.addIssue({
        code: "custom",
        path,
        message: `must be ${first?.currency} as elsewhere: currencies are not converted`,
      })
    }
  }, whenRecord)
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

interface Found {
  path: (string | number)[]
  message: string
}

/**
 * Problems between several keys of one supernode. Reads defensively, since other keys may be malformed and
 * all problems are reported together.
 */
function problemsAcrossKeys(s: Record<string, unknown>): Found[] {
  return [
    ...repeatedNames("rules", s["rules"]),
    ...repeatedNames("schedules", s["schedules"]),
    ...sizeProblems(s),
  ]
}

function repeatedNames(key: string, list: unknown): Found[] {
  const names = records(list).map((item) => item["name"])
  return names.flatMap((name, i) =>
    typeof name === "string" && names.indexOf(name) < i
      ? [{ path: [key, i, "name"], message: `must be unique: ${name} is already used above` }]
      : [],
  )
}

/**
 * A limit under the smallest rung allows no purchase at all; a floor over the limit or the ladder is never
 * reached.
 */
function sizeProblems(s: Record<string, unknown>): Found[] {
  const rungs = records(s["ladder"]).map((r) => serversIn(r["servers"]))
  const sizes = rungs.filter((servers) => servers !== null)
  const known = sizes.length > 0 && sizes.length === rungs.length
  const [smallest, largest] = known ? [Math.min(...sizes), Math.max(...sizes)] : [0, MAX_SERVERS]
  const limit = isRecord(s["limits"]) ? serversIn(s["limits"]["servers"]) : null
  const found: Found[] = []
  if (limit !== null && limit < smallest) {
    const message = `must be at least ${smallest} (servers of the smallest rung)`
    found.push({ path: ["limits", "servers"], message })
  }
  const top =
    limit !== null && limit < largest
      ? `${limit} (limits.servers)`
      : `${largest} (servers of the largest rung)`
  records(s["schedules"]).forEach((item, i) => {
    const floor = serversIn(item["at_least"])
    if (floor === null || floor <= Math.min(limit ?? largest, largest)) return
    found.push({ path: ["schedules", i, "at_least"], message: `must be at most ${top}` })
  })
  return found
}

/** A valid number of servers; `null` for any other value, which has already been reported. */
function serversIn(value: unknown): number | null {
  return typeof value === "number" && value >= 1 && value <= MAX_SERVERS ? value : null
}

/** Paths at which a supernode names a currency, ladder first; malformed values are skipped. */
export function currenciesOf(s: Record<string, unknown>): { path: (string | number)[]; currency: string }[] {
  const priced = records(s["ladder"]).map((r, i) => ({ path: ["ladder", i, "price"], money: r["price"] }))
  const capped = {
    path: ["limits", "budget"],
    money: isRecord(s["limits"]) ? s["limits"]["budget"] : undefined,
  }
  const above = {
    path: ["approval", "above"],
    money: isRecord(s["approval"]) ? s["approval"]["above"] : undefined,
  }
  return [...priced, capped, above].flatMap(({ path, money: m }) => {
    const currency = isRecord(m) ? m["currency"] : undefined
    return typeof currency === "string" ? [{ path: [...path, "currency"], currency }] : []
  })
}

/** Items of a list. An item that is not a mapping becomes an empty one, so that indices stay the same. */
function records(list: unknown): Record<string, unknown>[] {
  return Array.isArray(list) ? list.map((item: unknown) => (isRecord(item) ? item : {})) : []
}

/** Keys of the whole file that each supernode's hash covers. */
export interface FileWide {
  /** IANA name, for schedules and calendar budgets. */
  timezone: string
  fleet: z.output<typeof fleetSchema> | null
  /** The people whose approvals count; empty if no supernode needs approval. */
  approvers: readonly Approver[]
}

/**
 * Limits that the operator sets for one supernode: defaults merged in, durations in milliseconds, money in
 * hundredths.
 */
export type Policy = z.output<typeof supernodeSchema> & FileWide
export type Rule = Policy["rules"][number]
export type Schedule = Policy["schedules"][number]
export type Rung = Policy["ladder"][number]
export type AlarmMatch = Policy["alarms"][number]
export type Budget = NonNullable<Policy["limits"]["budget"]>
