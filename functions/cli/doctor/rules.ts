import type { CloudEye } from "../../../lib/app/app.ts"
import type { Reading } from "../../../lib/decision/inputs/reading.ts"
import { presentServers, type Supernode } from "../../../lib/decision/inputs/supernode.ts"
import type { Policy, Rule } from "../../../lib/decision/policy/policy.ts"
import { whenInUtc } from "../print/time.ts"
import { type Check, failedCheck, passedCheck } from "./check.ts"
import { knownMetrics } from "./cloud-eye.ts"
import { isWrongKey, WRONG_HUAWEI_KEY } from "./refused-keys.ts"

interface RuleCheckInput {
  policy: Policy
  supernode: Supernode
  readings: Reading[]
  cloudEye: CloudEye
  now: number
}

/**
 * Checks each rule: the newest value of its meter and the value's age, or why there is none and what to do.
 */
export async function checkRules(input: RuleCheckInput): Promise<Check[]> {
  const checks: Check[] = []
  // Runs one check at a time: a rule with a problem queries Cloud Eye for its metrics at most once, which is
  // fast enough.
  for (const rule of input.policy.rules) checks.push(await checkRule(rule, input))
  return checks
}

async function checkRule(rule: Rule, input: RuleCheckInput): Promise<Check> {
  const { policy, readings, now } = input
  const subject = { what: `rule ${rule.name}`, supernode: policy.name }
  if (rule.metric.alarm)
    return passedCheck(subject, "uses the alarm's own points: there is no data before an alarm")
  const reading = readings.find((candidate) => candidate.rule === rule.name)
  const says = reading ? sayNewest(reading, rule, now) : null
  if (reading && says !== null && reading.problem === null) return passedCheck(subject, says)
  const why = reading?.problem ?? "nothing was read"
  return failedCheck(
    subject,
    says === null ? why : `${says}; but ${why}`,
    ...(await whatToDo(rule, reading, input)),
  )
}

/**
 * `97 to 98 on 2 of 2 servers, period ended 2026-01-31T18:00:00Z, 2 minutes ago`; `null` if the reading has
 * no points.
 */
function sayNewest({ series, periodMs }: Reading, { metric, points }: Rule, now: number): string | null {
  const newest = Math.max(...series.flatMap((one) => one.points.map(({ at }) => at)))
  if (!Number.isFinite(newest)) return null
  const values = series.flatMap((one) =>
    one.points.filter(({ at }) => at === newest).map(({ value }) => value),
  )
  const [lowest, highest] = [Math.min(...values), Math.max(...values)]
  const servers = series.filter(({ server }) => server !== null).length
  const whose = servers === 0 ? "" : ` on ${values.length} of ${servers} servers`
  const reported = new Set(series.flatMap((one) => one.points.map(({ at }) => at))).size
  const what = lowest === highest ? `${lowest}` : `${lowest} to ${highest} (the ${metric.aggregate} counts)`
  return `${what}${whose}, period ended ${whenInUtc(newest + (periodMs ?? 0), now)}; ${reported} of ${points.n} periods have data`
}

async function whatToDo(rule: Rule, reading: Reading | undefined, input: RuleCheckInput): Promise<string[]> {
  const { metric } = rule
  const isWrong = isWrongKey(reading?.problem ?? "")
  if (metric.prometheus) {
    const { url } = metric.prometheus
    if (!reading?.credentials)
      return [`try the query at ${url} itself: it must give one number, or one per server_label`]
    return [
      isWrong
        ? "set SUPERNODE_PROMETHEUS_AUTH to a login that this Prometheus accepts (docs/settings.md)"
        : "give the login of SUPERNODE_PROMETHEUS_AUTH the permission to query there (docs/settings.md)",
    ]
  }
  if (metric.cloudwatch) {
    if (!reading?.credentials)
      return [
        "compare namespace, name and dimensions with CloudWatch's own: all dimensions of a metric must be written",
      ]
    return [
      isWrong
        ? "the Amazon keys are wrong, missing or expired: renew the login of this shell, or its AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        : "give the role cloudwatch:GetMetricData, or this shell keys that have it",
    ]
  }
  if (reading?.credentials)
    return [
      isWrong
        ? WRONG_HUAWEI_KEY
        : 'grant the keys\' user ces:metricData:list. Also grant ces:metrics:list: it is needed for "*" and to list metrics here',
    ]
  const servers = presentServers(input.supernode)
  return knownMetrics({ ...input, source: metric["cloud-eye"], servers })
}
