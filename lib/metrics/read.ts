import type { Rule } from "../decision/policy.ts"
import type { Reading } from "../decision/reading.ts"
import type { MetricQuestion } from "../ports.ts"
import { readAlarm } from "./alarm.ts"
import { readCloudEye } from "./cloud-eye.ts"
import type { MetricSources } from "./sources.ts"

/** One reading per rule, in the policy's order. Never throws: what could not be read is missing and says why. */
export async function readMetrics(question: MetricQuestion, sources: MetricSources): Promise<Reading[]> {
  const cloudEye = await readCloudEye(question, sources)
  return question.policy.rules.map((rule) => {
    if (rule.metric.alarm) return readAlarm(rule.name, question)
    return cloudEye.get(rule.name) ?? notReadYet(rule)
  })
}

function notReadYet({ name, metric }: Rule): Reading {
  const source = metric.prometheus ? "Prometheus" : "CloudWatch"
  const periodMs = (metric.prometheus ?? metric.cloudwatch)?.period ?? null
  return { rule: name, periodMs, series: [], problem: `${source} is not read by this version`, unasked: true }
}
