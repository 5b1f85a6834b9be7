import { isRecord } from "../decision/policy/amounts.ts"
import { valueAt } from "./issue-text.ts"
import { records, type UnplacedProblem } from "./unplaced-problem.ts"

// Rules on alarms' own points. Warns if no key names the metric of these points: they are no evidence then.

type Entry = Record<string, unknown>

function takesAlarmPoints(rule: Entry): boolean {
  return valueAt(rule, ["metric", "alarm"]) !== undefined
}

/** Warnings about alarm points that will not count as evidence, by rule. Only for a policy without errors. */
export function unknownPoints(merged: unknown, rules: readonly Entry[]): UnplacedProblem[] {
  const alarms = records(valueAt(merged, ["alarms"]))
  return rules.flatMap((rule, r) => {
    if (!takesAlarmPoints(rule)) return []
    const written = valueAt(rule, ["metric", "alarm"])
    const facts = { alarms, setting: isRecord(written) ? written : {}, rule: String(rule["name"]), r }
    return [...unnamedMetrics(facts), ...unnamedAlarms(facts), ...unlistedAlarms(facts)]
  })
}

interface Facts {
  alarms: readonly Entry[]
  setting: Entry
  rule: string
  r: number
}

/** Warns if the metric of the points is unclear: a Cloud Eye rule may watch 50 metrics under one alarm_id. */
function unnamedMetrics({ alarms, setting, rule, r }: Facts): UnplacedProblem[] {
  if (["cloudwatch", "alertname", "metric", "value"].some((key) => setting[key] !== undefined)) return []
  const unnamed = alarms.flatMap((entry, a): UnplacedProblem[] => {
    if (entry["cloud-eye"] === undefined || entry["metric"] !== undefined) return []
    const message = `has no metric, so its points do not count as evidence for rule ${rule}: one Cloud Eye rule may watch 50 metrics. Write metric: NAME beside it, or metric: { alarm: { metric: NAME } } in the rule`
    return [{ path: ["alarms", a, "cloud-eye"], message }]
  })
  const names = new Set(
    alarms.flatMap((entry) =>
      entry["metric"] === undefined ? [] : [`${entry["namespace"]} ${entry["metric"]}`],
    ),
  )
  if (names.size <= 1) return unnamed
  const message = `matches points of ${names.size} metrics, so none counts: name one, as in { metric: NAME }`
  return [...unnamed, { path: ["rules", r, "metric", "alarm"], message }]
}

/** Warns if it is unclear which alarm the rule means. With one alarm per source, `alarm: true` is enough. */
function unnamedAlarms({ alarms, setting, r }: Facts): UnplacedProblem[] {
  if (["cloudwatch", "alertname"].some((key) => setting[key] !== undefined)) return []
  const path = ["rules", r, "metric", "alarm"]
  const cloudwatch = new Set(alarms.flatMap((entry) => entry["cloudwatch"] ?? [])).size
  const alertmanager = alarms.flatMap((entry) => entry["alertmanager"] ?? [])
  const listensTo = (key: string) =>
    setting[key] !== undefined || (setting["metric"] === undefined && setting["value"] === undefined)
  const found: UnplacedProblem[] = []
  if (cloudwatch > 1 && listensTo("cloudwatch")) {
    const message = `uses no points of CloudWatch, because ${cloudwatch} of its alarms are listed: name one, as in { cloudwatch: ARN }`
    found.push({ path, message })
  }
  if (!listensTo("value")) return found
  if (alertmanager.length > 1) {
    const message = `uses no points of Alertmanager or Grafana, because ${alertmanager.length} of their alerts are listed: name one, as in { alertname: NAME }`
    found.push({ path, message })
  }
  const [only] = alertmanager
  if (alertmanager.length === 1 && valueAt(only, ["alertname"]) === undefined) {
    const message =
      "uses the values of alerts of any name, because the listed labels have no alertname: name the alert, as in { alertname: NAME }"
    found.push({ path, message })
  }
  return found
}

/** Warns if the rule names an alarm that is not listed: it starts no run here, so it brings no points. */
function unlistedAlarms({ alarms, setting, r }: Facts): UnplacedProblem[] {
  const path = ["rules", r, "metric", "alarm"]
  const { cloudwatch, alertname } = setting
  const found: UnplacedProblem[] = []
  if (cloudwatch !== undefined && !alarms.some((entry) => entry["cloudwatch"] === cloudwatch)) {
    found.push({
      path: [...path, "cloudwatch"],
      message: "is not listed under alarms, so it never starts a run",
    })
  }
  const wakes = (entry: Entry) => {
    const listed = isRecord(entry["alertmanager"]) ? entry["alertmanager"]["alertname"] : undefined
    return isRecord(entry["alertmanager"]) && (listed === undefined || listed === alertname)
  }
  if (alertname !== undefined && !alarms.some(wakes)) {
    found.push({
      path: [...path, "alertname"],
      message: "is not listed under alarms, so it never starts a run",
    })
  }
  return found
}
