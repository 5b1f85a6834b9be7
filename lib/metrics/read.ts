import type { Rule } from "../decision/policy.ts"
import type { Reading } from "../decision/reading.ts"
import type { MetricQuestion, Read } from "../ports.ts"
import { readAlarm } from "./alarm.ts"
import { readCloudEye } from "./cloud-eye.ts"
import { isPartOf, planPrometheus, prometheusReading, prometheusWant } from "./prometheus.ts"
import { messageOf } from "./sentence.ts"
import type { MetricSources } from "./sources.ts"

/** One reading per rule, in the policy's order. Never throws: what could not be read is missing and says why. */
export async function readMetrics(question: MetricQuestion, sources: MetricSources): Promise<Reading[]> {
  const [cloudEye, prometheus] = await Promise.all([
    readCloudEye(question, sources),
    readPrometheus(question, sources),
  ])
  return question.policy.rules.map((rule) => {
    if (rule.metric.alarm) return readAlarm(rule.name, question)
    return cloudEye.get(rule.name) ?? prometheus.get(rule.name) ?? notReadYet(rule)
  })
}

async function readPrometheus(
  question: MetricQuestion,
  sources: MetricSources,
): Promise<Map<string, Reading>> {
  const wants = question.policy.rules.flatMap((rule) => {
    const source = rule.metric.prometheus
    return source === undefined ? [] : [{ rule: rule.name, want: prometheusWant(rule, source, question) }]
  })
  const queries = planPrometheus(wants.map(({ want }) => want))
  const answers = await Promise.all(queries.map((query) => answered(sources.prometheus(query))))
  return new Map(
    wants.map(({ rule, want }) => {
      const own = answers.filter((_, i) => queries.some((query, q) => q === i && isPartOf(want, query)))
      return [rule, prometheusReading(rule, want, own)]
    }),
  )
}

/** One source's failure, thrown or answered, must cost no other reading. */
async function answered<T>(read: Promise<Read<T>>): Promise<Read<T>> {
  try {
    return await read
  } catch (cause) {
    return { ok: false, why: messageOf(cause), credentials: false }
  }
}

function notReadYet({ name, metric }: Rule): Reading {
  const periodMs = metric.cloudwatch?.period ?? null
  return {
    rule: name,
    periodMs,
    series: [],
    problem: "CloudWatch is not read by this version",
    unasked: true,
  }
}
