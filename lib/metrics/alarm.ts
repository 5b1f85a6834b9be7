import type { Reading } from "../decision/inputs/reading.ts"
import type { AlarmSignal, Datapoint } from "../decision/inputs/signal.ts"
import type { MetricQuery } from "../ports.ts"
import { type AlarmSetting, alarmSetting, metricProblem } from "./alarm/metric.ts"
import { namedResource } from "./alarm/resource.ts"
import { chosenValue } from "./alarm/value.ts"

/**
 * The alarm's own datapoints as a reading. It has points only if their metric and their resource are known.
 * `server` is the server that the alarm names. If it is null, the evidence gate checks that the alarm is
 * listed under one supernode only. Points of a resource outside the supernode are never a reading.
 */
export function readAlarm(
  rule: string,
  { policy, signal, supernode }: Pick<MetricQuery, "policy" | "signal" | "supernode">,
): Reading {
  const missing = (problem: string, periodMs: number | null = null): Reading => ({
    rule,
    periodMs,
    series: [],
    problem,
  })
  if (signal.kind !== "alarm") return missing("this run was not started by an alarm")
  const setting = alarmSetting(policy.rules.find(({ name }) => name === rule))
  const measured = pointsOf(signal, setting)
  if ("problem" in measured) return missing(measured.problem, signal.periodMs)
  const unknown = metricProblem(signal, setting, policy.alarms)
  if (unknown !== null) return missing(unknown, signal.periodMs)
  const resource = namedResource(signal, supernode, policy.name)
  if (resource.kind === "foreign") {
    return missing(
      `the alarm is about ${resource.says}, which is not a server of this supernode`,
      signal.periodMs,
    )
  }
  const server = resource.kind === "server" ? resource.id : null
  return { rule, periodMs: signal.periodMs, series: [{ server, points: measured.points }], problem: null }
}

type Measured = { points: Datapoint[] } | { problem: string }

const NO_POINTS = "the alarm has no datapoints"

/** The datapoints in the message or, for an alert, the number that the rule means. */
function pointsOf(signal: AlarmSignal, setting: AlarmSetting): Measured {
  if (signal.source === "alertmanager") {
    const chosen = chosenValue(signal.values ?? [], setting)
    return "problem" in chosen ? chosen : { points: [{ at: signal.at, value: chosen.value }] }
  }
  if (signal.points !== null && signal.points.length > 0) return { points: signal.points }
  const hint =
    signal.source === "cloudwatch"
      ? ": SNS messages and composite alarms have none; send a metric alarm by EventBridge or as a direct action"
      : ""
  return { problem: `${NO_POINTS}${hint}` }
}
