import { counted, sayDuration } from "../../decision/policy/amounts.ts"
import type { Policy, Rule } from "../../decision/policy/policy.ts"
import { highIsBad, isOnClearSide, levelsOf } from "../../decision/policy/threshold.ts"
import type { Path } from "../path.ts"
import type { LintFinding } from "./finding.ts"

/** Warns about rules that never fire, always fire, or fire on too little evidence. */
export function lintRules(policy: Policy): LintFinding[] {
  const found = policy.rules.flatMap((rule, r) =>
    lintRule(rule, policy).map(
      ({ path, ...finding }): LintFinding => ({
        ...finding,
        path: ["rules", r, ...path],
      }),
    ),
  )
  return [...onlyAlarms(policy), ...found, ...cooldownBelowWarmup(policy), ...gainBeyondUnit(policy)]
}

function lintRule(rule: Rule, policy: Policy): LintFinding[] {
  return [
    ...withoutAlarm(rule, policy),
    ...beyondUnit(rule, policy),
    ...missingBuys(rule),
    ...singlePoint(rule),
    ...uselessSteps(rule, policy),
    ...boundless(rule),
    ...unmeasurable(rule, policy),
  ]
}

function isOnAlarm({ metric }: Rule): boolean {
  return metric.alarm !== undefined
}

function onlyAlarms({ rules }: Policy): LintFinding[] {
  if (!rules.every(isOnAlarm)) return []
  const message = "has only rules on alarms' own points: if an alarm is lost, no tick can find its evidence"
  return [{ id: "only-alarms", path: ["rules"], message }]
}

function withoutAlarm(rule: Rule, { alarms }: Policy): LintFinding[] {
  if (!isOnAlarm(rule) || alarms.length > 0) return []
  const message = "never has a value: the supernode lists no alarms whose points could be its evidence"
  return [{ id: "rule-never-fires", path: ["metric", "alarm"], message }]
}

/** Metrics in percent: cpu_util, npu_util_rate_ai_core, mem_usedPercent, CPUUtilization, gpu_usage_mem. */
const IN_PERCENT =
  /(?:^|_)util(?:_|$|ization)|utilization|percent|_pct$|^(?:cpu|(?:[gn]pu_)?mem)_usage$|^gpu_usage_(?:gpu|mem)$/i

type Range = [lowest: number, highest: number]

/** Lowest and highest possible value of a metric, from its name or stated unit; `null` if unknown. */
function rangeOf({ metric }: Rule, { alarms }: Policy): Range | null {
  if (metric.alarm !== undefined) return isInPercent(metric.alarm, alarms) ? [0, 100] : null
  const source = metric["cloud-eye"] ?? metric.cloudwatch
  const adds = ["sum", "variance"].includes(source?.statistic ?? "")
  return source && !adds && IN_PERCENT.test(source.name) ? [0, 100] : null
}

/**
 * True if the alarm's values are in percent, by the unit or metric that the rule names. If the rule names
 * nothing, every listed alarm must have a metric in percent.
 */
function isInPercent(setting: NonNullable<Rule["metric"]["alarm"]>, alarms: Policy["alarms"]): boolean {
  if (setting !== true && setting.unit !== undefined) return setting.unit === "%"
  if (setting !== true && Object.keys(setting).length > 0) return IN_PERCENT.test(setting.metric ?? "")
  return alarms.length > 0 && alarms.every(({ metric }) => IN_PERCENT.test(metric ?? ""))
}

function beyondUnit(rule: Rule, policy: Policy): LintFinding[] {
  const range = rangeOf(rule, policy)
  if (!range) return []
  const path = rule.compare ? [rule.compare.op] : ["steps"]
  const [lowest, highest] = range
  const [mildest] = levelsOf(rule)
  const [worst, best] = highIsBad(rule) ? [highest, lowest] : [lowest, highest]
  const never = `is never reached: the metric is in percent, ${lowest} to ${highest}`
  if (mildest && !mildest.isReachedBy(worst)) return [{ id: "threshold-beyond-unit", path, message: never }]
  if (mildest?.isReachedBy(best)) {
    const message = `is always reached: the metric is in percent, ${lowest} to ${highest}`
    return [{ id: "rule-always-fires", path, message }]
  }
  const fraction = fractionIn(rule)
  if (fraction) {
    const { value } = fraction
    const message = `is ${value}, but the metric is in percent: did you mean ${Number((value * 100).toFixed(6))}?`
    return [{ id: "threshold-beyond-unit", path: fraction.path, message }]
  }
  const beyond = rule.compare
    ? []
    : boundsOf(rule).filter(({ value }) => (highIsBad(rule) ? value > worst : value <= worst))
  if (beyond.length > 0)
    return beyond.map((bound) => ({ id: "threshold-beyond-unit", path: bound.path, message: never }))
  if (rule.repeat || isOnClearSide(rule, best)) return []
  const message = `never lets the rule clear: the metric is in percent, ${lowest} to ${highest}. After one purchase the rule never acts again`
  return [{ id: "never-clears", path: rule.clear === null ? path : ["clear"], message }]
}

interface Bound {
  path: Path
  value: number
}

/** Values at which a rule begins to propose, with their paths. */
function boundsOf(rule: Rule): Bound[] {
  if (rule.compare) return [{ path: [rule.compare.op], value: rule.compare.value }]
  const side = highIsBad(rule) ? "from" : "to"
  return rule.steps.flatMap((step, s): Bound[] => {
    const value = step[side]
    return value === null ? [] : [{ path: ["steps", s, side], value }]
  })
}

/** A value above 0 and up to 1 for a metric in percent: probably a fraction. `null` if there is none. */
function fractionIn(rule: Rule): Bound | null {
  const clear: Bound[] = rule.clear === null ? [] : [{ path: ["clear"], value: rule.clear }]
  return [...boundsOf(rule), ...clear].find(({ value }) => value > 0 && value <= 1) ?? null
}

function missingBuys({ missing }: Rule): LintFinding[] {
  if (missing !== "breaching") return []
  const message = "counts missing data as breaching: an outage of the metrics buys servers"
  return [{ id: "missing-buys", path: ["missing"], message }]
}

/** Rules on an alarm's own points are exempt: the alarm evaluated several points before it started a run. */
function singlePoint(rule: Rule): LintFinding[] {
  if (rule.points.m > 1 || isOnAlarm(rule)) return []
  const message = `lets a single point buy (${rule.points.m} of ${rule.points.n}): one short peak is enough`
  return [{ id: "single-point", path: ["points"], message }]
}

function uselessSteps({ steps }: Rule, { ladder }: Policy): LintFinding[] {
  const highest = ladder.length - 1
  return steps.flatMap(({ up }, s): LintFinding[] => {
    if (up <= highest) return []
    const message = `reaches beyond the ladder, which has only ${counted(highest, "rung")} above its smallest`
    return [{ id: "steps-beyond-ladder", path: ["steps", s, "up"], message }]
  })
}

/** Warns if every dimension is "*": none names an owner, so others' load would buy for this supernode. */
function boundless({ metric }: Rule): LintFinding[] {
  const dimensions = metric["cloud-eye"]?.dimensions ?? {}
  const [wild] = Object.keys(dimensions)
  if (wild === undefined || Object.values(dimensions).some((value) => value !== "*")) return []
  const message =
    "matches every resource in this project: no other dimension names an owner, so the load of all of them counts"
  return [{ id: "boundless-dimension", path: ["metric", "cloud-eye", "dimensions", wild], message }]
}

/** An alarm is sent when its state changes, so its points rarely show the values after a purchase. */
function unmeasurable(rule: Rule, { efficacy }: Policy): LintFinding[] {
  if (!efficacy || !isOnAlarm(rule)) return []
  const message =
    "gets new points only when the alarm is sent again: until then, efficacy counts a purchase as no gain"
  return [{ id: "alarm-efficacy", path: ["metric", "alarm"], message }]
}

function gainBeyondUnit(policy: Policy): LintFinding[] {
  const { efficacy, rules } = policy
  const widths = rules.map((rule) => {
    const [lowest, highest] = rangeOf(rule, policy) ?? [0, Number.POSITIVE_INFINITY]
    return highest - lowest
  })
  if (!efficacy || efficacy.minGain <= Math.max(...widths)) return []
  const message = `is more than a metric in percent can change: after ${counted(efficacy.purchases, "purchase")} efficacy stops automatic purchases`
  return [{ id: "threshold-beyond-unit", path: ["efficacy", "min_gain"], message }]
}

function cooldownBelowWarmup({ cooldownMs, warmupMs }: Policy): LintFinding[] {
  if (cooldownMs >= warmupMs) return []
  const message = `is shorter than warmup (${sayDuration(warmupMs)}): no metric counts until the warm-up ends, so the cooldown has no effect`
  return [{ id: "cooldown-below-warmup", path: ["cooldown"], message }]
}
