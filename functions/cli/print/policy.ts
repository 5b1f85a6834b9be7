import { worstCase } from "../../../lib/decision/money/worst-case.ts"
import { counted, sayDuration } from "../../../lib/decision/policy/amounts.ts"
import { METRIC_SOURCES } from "../../../lib/decision/policy/choices.ts"
import type { LoadedPolicy } from "../../../lib/decision/policy/loaded-policy.ts"
import { sayMoney } from "../../../lib/decision/policy/money.ts"
import type { Policy, Rule, Rung } from "../../../lib/decision/policy/policy.ts"
import { scheduleRows, scheduleStates } from "./schedule.ts"
import { worstCaseLines } from "./worst-case.ts"

/**
 * Rows (label, text) of the effective policy, with defaults. `isOnly` leaves out the worst case, since it
 * equals that of the whole file.
 */
export function policyRows(
  { policy, hash }: LoadedPolicy,
  { now, isOnly }: { now: number; isOnly: boolean },
): string[][] {
  return [
    ["  supernode", `${policy.id} in ${policy.region}`],
    ...policy.rules.map((rule, i) => [i === 0 ? "  rules" : "", sayRule(rule)]),
    ["  ladder", `${policy.ladder.map(sayRung).join(" -> ")}; sold out: ${policy.soldOut}`],
    ["  limits", sayLimits(policy)],
    [
      "  waits",
      `${sayDuration(policy.cooldownMs)} from completion, ${sayDuration(policy.minIntervalMs)} from request, warm-up ${sayDuration(policy.warmupMs)}`,
    ],
    ...(isOnly ? [] : worstCaseLines(worstCase(policy))).map((line, i) => [
      i === 0 ? "  at worst" : "",
      line,
    ]),
    ...scheduleRows(scheduleStates(policy, null, now)),
    ["  hash", hash],
  ]
}

function sayRule({ name, metric, compare, steps, points, missing }: Rule): string {
  const source = METRIC_SOURCES.find((candidate) => metric[candidate] !== undefined) ?? "no source"
  const what =
    metric["cloud-eye"]?.name ?? metric.cloudwatch?.name ?? metric.prometheus?.query ?? "its own points"
  const period = metric["cloud-eye"]?.period ?? metric.cloudwatch?.period ?? metric.prometheus?.period
  const threshold = compare
    ? `${compare.op.replace("_", " ")} ${compare.value}`
    : counted(steps.length, "step")
  const periods = period === undefined ? "" : ` periods of ${sayDuration(period)}`
  return `${name}: ${source} ${what} ${threshold} in ${points.m} of ${points.n}${periods}; missing data: ${missing}`
}

function sayRung({ servers, price }: Rung): string {
  return price ? `${servers} (${sayMoney(price)} per ${price.per})` : `${servers} (no price)`
}

function sayLimits({ limits: { actions, servers, budget }, approval }: Policy): string {
  const parts = [
    `${counted(actions.count, "purchase")} per ${sayDuration(actions.perMs)}`,
    counted(servers, "server"),
    budget
      ? `${sayMoney(budget)} per ${budget.per === "month" ? "month" : sayDuration(budget.per)}`
      : "no budget",
    ...(approval ? [`${counted(approval.approvers, "approval")} above ${sayMoney(approval.above)}`] : []),
  ]
  return parts.join(", ")
}
