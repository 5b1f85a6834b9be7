import type { AlarmSignal } from "../../decision/inputs/signal.ts"
import type { AlarmMatch, Rule } from "../../decision/policy/policy.ts"

// Checks that an alarm's points measure the metric that a rule means. Otherwise they are not evidence,
// however high they are. See docs/metrics.md, "The alarm's own points".

/** A rule's settings for the alarm whose points it uses; empty for `alarm: true`. */
export type AlarmSetting = Exclude<NonNullable<Rule["metric"]["alarm"]>, true>

export function alarmSetting(rule: Rule | undefined): AlarmSetting {
  const alarm = rule?.metric.alarm
  return alarm === undefined || alarm === true ? {} : alarm
}

type Source = AlarmSignal["source"]

/** Sources whose points a rule accepts: `metric` is for Cloud Eye, `value` for Alertmanager and Grafana. */
function sourcesOf({ cloudwatch, alertname, metric, value }: AlarmSetting): readonly Source[] {
  if (cloudwatch !== undefined) return ["cloudwatch"]
  if (alertname !== undefined) return ["alertmanager"]
  if (metric === undefined && value === undefined) return ["cloud-eye", "cloudwatch", "alertmanager"]
  return [
    ...(metric === undefined ? [] : (["cloud-eye"] as const)),
    ...(value === undefined ? [] : (["alertmanager"] as const)),
  ]
}

/** Reason why the points may not measure the metric that the rule means; `null` if they do. */
export function metricProblem(
  signal: AlarmSignal,
  setting: AlarmSetting,
  alarms: readonly AlarmMatch[],
): string | null {
  if (!sourcesOf(setting).includes(signal.source))
    return `the rule does not accept points of a ${signal.source} alarm`
  switch (signal.source) {
    case "cloud-eye":
      return cloudEyeProblem(signal, setting, alarms)
    case "cloudwatch": {
      if (setting.cloudwatch !== undefined)
        return setting.cloudwatch === signal.alarm
          ? null
          : `the rule accepts only the points of ${setting.cloudwatch}`
      const listed = new Set(alarms.flatMap((match) => match.cloudwatch ?? []))
      return listed.size === 1 ? null : ambiguous(listed.size, "CloudWatch", "{ cloudwatch: ARN }")
    }
    case "alertmanager": {
      if (setting.alertname !== undefined)
        return setting.alertname === signal.labels["alertname"]
          ? null
          : `the rule accepts only the points of alert ${setting.alertname}`
      const listed = alarms.filter((match) => match.alertmanager !== undefined).length
      return listed === 1 ? null : ambiguous(listed, "Alertmanager", "{ alertname: NAME }")
    }
    default:
      return signal.source satisfies never
  }
}

function ambiguous(count: number, source: string, example: string): string {
  return `the supernode lists ${count} ${source} alarms, but the rule does not name the one to use: write metric: { alarm: ${example} }`
}

/** One Cloud Eye rule watches up to 50 metrics under one alarm_id, so only its name identifies a metric. */
function cloudEyeProblem(
  { alarm, metric }: AlarmSignal,
  setting: AlarmSetting,
  alarms: readonly AlarmMatch[],
): string | null {
  const named = namedMetrics(alarms)
  const own = named.filter((entry) => entry.alarm === alarm)
  if (setting.metric === undefined) {
    if (own.length === 0)
      return `the metric of Cloud Eye alarm ${alarm} is not known: add metric: NAME to its entry under \`alarms\`, or write metric: { alarm: { metric: NAME } } in the rule`
    const different = new Set(named.map(({ name, namespace }) => `${namespace ?? ""} ${name}`))
    if (different.size > 1)
      return `the supernode's Cloud Eye alarms measure ${different.size} metrics, but the rule does not name the one to use: write metric: { alarm: { metric: NAME } }`
  }
  const expected = setting.metric === undefined ? own : namedMetric(setting.metric, own)
  const fits = expected.some(
    ({ name, namespace }) =>
      name === metric?.name && (namespace === null || namespace === (metric.namespace ?? null)),
  )
  if (!fits) return `the points measure ${sayMetric(metric)}, not ${expected.map(sayMetric).join(" or ")}`
  const unit = metric?.unit ?? null
  if (setting.unit === undefined || unit === null || unit === setting.unit) return null
  return `the points are in ${unit}, but the rule states ${setting.unit}`
}

interface NamedMetric {
  name: string
  namespace: string | null
}

function namedMetrics(alarms: readonly AlarmMatch[]): (NamedMetric & { alarm: string })[] {
  return alarms.flatMap(({ "cloud-eye": alarm, metric: name, namespace = null }) =>
    alarm === undefined || name === undefined ? [] : [{ alarm, name, namespace }],
  )
}

/** The metric that the rule names, with the namespace from the alarm's entry if that gives one. */
function namedMetric(name: string, own: readonly NamedMetric[]): NamedMetric[] {
  const same = own.filter((entry) => entry.name === name)
  return same.length > 0 ? same : [{ name, namespace: null }]
}

function sayMetric(metric: { name: string | null; namespace: string | null } | undefined): string {
  const name = metric?.name ?? null
  if (name === null) return "a metric that the message does not name"
  return metric?.namespace ? `${metric.namespace} ${name}` : name
}
