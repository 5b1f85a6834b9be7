import * as z from "zod"
import { isRecord } from "./amounts.ts"
import { COMPARISONS, type ComparisonOperator, DIMENSION_TEMPLATES, METRIC_SOURCES } from "./choices.ts"
import { text } from "./text-shape.ts"
import {
  duration,
  durationSaying,
  pointsOf,
  positiveDuration,
  regionName,
  share,
  whenRecord,
  whole,
} from "./units.ts"

// `rules` of the policy file: the metric of each rule, and when it proposes a larger rung.

export const ruleName = text(
  /^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/,
  "must be kebab-case: 1 to 64 of a-z, 0-9 and hyphens",
)

const dimensionValue = z
  .string()
  .min(1, { error: "must not be empty" })
  .max(256, { error: "must be at most 256 characters" })
  .refine(
    (value) => !/[{}]/.test(DIMENSION_TEMPLATES.reduce((rest, name) => rest.replaceAll(name, ""), value)),
    { error: `may have braces only as ${DIMENSION_TEMPLATES.join(", ")}` },
  )

/** Cloud Eye's metric names and namespaces, in metrics and in `alarms`. */
export const cloudEyeMetricName = text(
  /^[A-Za-z][A-Za-z0-9_]{0,95}$/,
  "must be a Cloud Eye metric name such as npu_util_rate_ai_core",
)
export const cloudEyeNamespace = text(
  /^[A-Za-z][A-Za-z0-9_]*\.[A-Za-z][A-Za-z0-9_]*$/,
  "must be a Cloud Eye namespace such as AGT.ECS",
)
export const cloudwatchAlarm = text(
  /^arn:aws[a-z-]*:cloudwatch:[a-z0-9-]+:\d{12}:alarm:.{1,255}$/,
  "must be a CloudWatch alarm's ARN",
)

const cloudEyeDimensions = z
  .record(
    text(/^[A-Za-z][A-Za-z0-9_-]{0,31}$/, "must be a dimension's name: 1 to 32 letters, digits, _ or -"),
    dimensionValue,
  )
  .refine((dims) => Object.keys(dims).length >= 1 && Object.keys(dims).length <= 4, {
    error: "must have 1 to 4 dimensions",
  })

const STATISTICS = ["average", "max", "min", "sum", "variance"] as const
const CLOUD_EYE_PERIOD = "must be 1m, 5m, 20m, 1h, 4h or 1d: Cloud Eye supports no other period"
const CLOUD_EYE_PERIODS: readonly number[] = [60_000, 300_000, 1_200_000, 3_600_000, 14_400_000, 86_400_000]

/** Periods and filters of Cloud Eye's batch-query-metric-data. */
const cloudEyeMetric = z.strictObject({
  namespace: cloudEyeNamespace,
  name: cloudEyeMetricName,
  dimensions: cloudEyeDimensions.default({ instance_id: "{server.cloud_server.hps_ecs_id}" }),
  statistic: z.enum(STATISTICS).default("average"),
  period: durationSaying(CLOUD_EYE_PERIOD).refine((ms) => CLOUD_EYE_PERIODS.includes(ms), {
    error: CLOUD_EYE_PERIOD,
  }),
})

const prometheusMetric = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: "must be an http or https URL" })
    // The policy is written to the ledger, which must never hold a password.
    .refine((url) => !/^[a-z]+:\/+[^/?#]*@/i.test(url), { error: "must not contain a user or password" })
    .refine((url) => !/[?#]/.test(url), { error: "must not have a query or fragment" }),
  query: z
    .string()
    .min(1, { error: "must not be empty" })
    .max(4096, { error: "must be at most 4096 characters" }),
  period: positiveDuration,
  /**
   * Label that holds a server's id, its name, or an id of its `cloud_server`; there is then one series per
   * server. If absent, one series covers the supernode.
   */
  server_label: text(
    /^[A-Za-z_][A-Za-z0-9_]{0,127}$/,
    "must be a label's name: letters, digits and _, not starting with a digit",
  ).optional(),
})

const cloudwatchName = z
  .string()
  .min(1, { error: "must not be empty" })
  .max(255, { error: "must be at most 255 characters" })

/** CloudWatch's names of statistics, and our names for them. */
const CLOUDWATCH_NAMES: Readonly<Record<string, string>> = { maximum: "max", minimum: "min" }

/** Also accepts CloudWatch's own spelling, such as `Average`, `Maximum` or `P99`. */
const cloudwatchStatistic = text(
  /^([Aa]verage|[Mm]ax(imum)?|[Mm]in(imum)?|[Ss]um|[Pp](100|\d{1,2}(\.\d{1,2})?))$/,
  "must be average, max, min, sum or a percentile with at most two decimals such as p99 or p99.9 (others are not supported here)",
).transform((written) => {
  const name = written.toLowerCase()
  return CLOUDWATCH_NAMES[name] ?? name
})

const CLOUDWATCH_PERIOD = 'must be a multiple of 1m such as "5m"'

const cloudwatchMetric = z.strictObject({
  region: regionName("must be an AWS region such as eu-central-1").optional(),
  namespace: cloudwatchName,
  name: cloudwatchName,
  dimensions: z
    .record(
      cloudwatchName,
      dimensionValue.refine((value) => value !== "*", {
        error: 'must not be "*": CloudWatch does not expand it',
      }),
    )
    .refine((dims) => Object.keys(dims).length <= 30, { error: "must have at most 30 dimensions" })
    .default({}),
  statistic: cloudwatchStatistic.prefault("average"),
  period: durationSaying(CLOUDWATCH_PERIOD).refine((ms) => ms > 0 && ms % 60_000 === 0, {
    error: CLOUDWATCH_PERIOD,
  }),
})

const label = z
  .string({ error: "must be text" })
  .min(1, { error: "must not be empty" })
  .max(256, { error: "must be at most 256 characters" })

const ALARM_KEYS = ["cloudwatch", "alertname", "metric", "value", "unit"] as const

/** Names the alarm whose own points are the evidence, and their metric. `alarm: true` names neither. */
const namedAlarm = z
  .strictObject({
    cloudwatch: cloudwatchAlarm.optional(),
    alertname: label.optional(),
    metric: cloudEyeMetricName.optional(),
    value: label.optional(),
    unit: text(
      /^[^\s\d.,+-][^\s\d]{0,15}$/,
      'must be a unit such as "%" or "MB/s": 1 to 16 characters without digits and spaces',
    ).optional(),
  })
  .superRefine((alarm, ctx) => {
    for (const [key, others] of EXCLUSIVE_KEYS) {
      const other = others.find((one) => alarm[one] !== undefined)
      if (alarm[key] === undefined || other === undefined) continue
      const message = `must not be used together with ${other}: they belong to alarms of different sources`
      ctx.addIssue({ code: "custom", path: [key], message })
    }
  }, whenRecord)

/** A key, and keys that it excludes because they belong to alarms of another source. */
const EXCLUSIVE_KEYS = [
  ["cloudwatch", ["alertname", "metric", "value"]],
  ["alertname", ["metric"]],
] as const

const alarmPoints = z.union([z.literal(true), namedAlarm], {
  error: `must be true, or a mapping of ${ALARM_KEYS.join(", ")}`,
})

const metric = z
  .strictObject({
    "cloud-eye": cloudEyeMetric.optional(),
    prometheus: prometheusMetric.optional(),
    cloudwatch: cloudwatchMetric.optional(),
    alarm: alarmPoints.optional(),
    servers: z.enum(["all"]).default("all"),
    aggregate: z.enum(["average", "max", "min"]).default("average"),
    quorum: share.prefault("100%"),
    lag: duration.prefault("1m"),
  })
  .refine((m) => METRIC_SOURCES.filter((source) => m[source] !== undefined).length === 1, {
    ...whenRecord,
    error: `must have exactly one data source: ${METRIC_SOURCES.join(", ")}`,
  })
  .meta({ oneOf: METRIC_SOURCES.map((source) => ({ required: [source] })) })

const finite = z.number({ error: "must be a number" })

const step = () =>
  z
    .strictObject({ from: finite.optional(), to: finite.optional(), up: whole(1, 48, "rungs") })
    // A step without bounds would propose more servers for every value of the metric.
    .refine((s) => s.from !== undefined || s.to !== undefined, {
      ...whenRecord,
      error: "must have from, to or both",
    })
    .refine((s) => typeof s.from !== "number" || typeof s.to !== "number" || s.from < s.to, {
      ...whenRecord,
      error: "must have a from less than its to",
    })

const THRESHOLD_KEYS = [...COMPARISONS, "steps"] as const

/** One entry of `rules`. */
export const rule = z
  .strictObject({
    name: ruleName,
    metric,
    above: finite.optional(),
    at_least: finite.optional(),
    below: finite.optional(),
    at_most: finite.optional(),
    clear: finite.optional(),
    points: pointsOf.prefault("1 of 1"),
    missing: z.enum(["hold", "breaching", "not-breaching"]).default("hold"),
    repeat: z.boolean({ error: "must be true or false" }).default(true),
    steps: z
      .array(z.lazy(step))
      .min(1, { error: "must have at least one step" })
      .max(20, { error: "must have at most 20 steps" })
      .optional(),
  })
  .superRefine((r, ctx) => {
    if (THRESHOLD_KEYS.filter((key) => r[key] !== undefined).length !== 1) {
      ctx.addIssue({ code: "custom", message: `must have exactly one of ${THRESHOLD_KEYS.join(", ")}` })
      return
    }
    const steps = boundsOf(r.steps)
    const message = clearProblem(r, steps)
    if (message !== null) ctx.addIssue({ code: "custom", path: ["clear"], message })
    for (const problem of stepProblems(steps))
      ctx.addIssue({ code: "custom", path: ["steps"], message: problem })
  }, whenRecord)
  .meta({ oneOf: THRESHOLD_KEYS.map((key) => ({ required: [key] })) })
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

interface Bounds {
  from: number
  to: number
  up: number
}

/** Range of each step, lowest first; open ends are infinite. Empty if any step is malformed. */
function boundsOf(steps: unknown): Bounds[] {
  if (!Array.isArray(steps)) return []
  const bounds = steps.map((s: unknown) => {
    const {
      from = Number.NEGATIVE_INFINITY,
      to = Number.POSITIVE_INFINITY,
      up,
    } = isRecord(s) ? s : { from: null }
    const isSound = typeof from === "number" && typeof to === "number" && from < to && typeof up === "number"
    return isSound ? { from, to, up } : null
  })
  if (bounds.includes(null)) return []
  return bounds.filter((b) => b !== null).sort((a, b) => a.from - b.from)
}

/** Steps must cover one range without gap or overlap, at most open at its two ends. */
function stepProblems(sorted: readonly Bounds[]): string[] {
  const lowIsBad =
    sorted[0]?.from === Number.NEGATIVE_INFINITY && sorted.at(-1)?.to !== Number.POSITIVE_INFINITY
  const mildestFirst = lowIsBad ? sorted.toReversed() : sorted
  // A worse value must not propose fewer servers: noise would then decide how many are bought.
  const shrinks = mildestFirst.slice(1).some(({ up }, i) => up < (mildestFirst[i]?.up ?? 0))
  const shrinking = shrinks ? [`must not have a smaller up for a ${lowIsBad ? "lower" : "higher"} value`] : []
  return [...shrinking, ...gapsAndOverlaps(sorted)]
}

function gapsAndOverlaps(sorted: readonly Bounds[]): string[] {
  return sorted.slice(1).flatMap((next, i) => {
    const before = sorted[i]
    if (before === undefined || before.to === next.from) return []
    if (before.to < next.from) return [`must have no gap: no step covers ${before.to} to ${next.from}`]
    if (before.to === Number.POSITIVE_INFINITY || next.from === Number.NEGATIVE_INFINITY) {
      return ["must have at most one open end on each side"]
    }
    return [`must not overlap: ${next.from} to ${Math.min(before.to, next.to)} is covered twice`]
  })
}

type Thresholds = { [key in ComparisonOperator]?: unknown } & { clear?: unknown }

/**
 * Problem with `clear`; `null` if there is none. Hysteresis needs `clear` on the side that does not breach.
 * If no value is clear, the rule stays latched for ever.
 */
function clearProblem(r: Thresholds, steps: readonly Bounds[]): string | null {
  const { clear } = r
  if (typeof clear !== "number") return null
  const op = COMPARISONS.find((name) => r[name] !== undefined)
  if (op !== undefined) {
    const threshold = r[op]
    const highIsBad = op === "above" || op === "at_least"
    if (typeof threshold !== "number" || (highIsBad ? clear < threshold : clear > threshold)) return null
    return `must be ${highIsBad ? "below" : "above"} ${threshold} (the rule's ${op})`
  }
  const [lowest, highest] = [steps[0]?.from, steps.at(-1)?.to]
  if (lowest === undefined || highest === undefined) return null
  if (lowest !== Number.NEGATIVE_INFINITY)
    return clear < lowest ? null : `must be below ${lowest} (from of the lowest step)`
  if (highest !== Number.POSITIVE_INFINITY)
    return clear > highest ? null : `must be above ${highest} (to of the highest step)`
  return "must be left out: the steps cover every number, so no value is clear"
}
