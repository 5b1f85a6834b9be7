import { isRecord } from "../decision/policy/amounts.ts"
import { writtenCron } from "../decision/policy/cron.ts"
import { readCron } from "./cron.ts"
import { valueAt } from "./issue-text.ts"
import { originOf, problemAt, type SourceNode } from "./position.ts"
import type { PolicyProblem } from "./problem.ts"

// `schedules` of the policy file: their cron expressions, and the positions of their problems.

/**
 * Problems of the cron expressions of one supernode or of `defaults`, without those that the schema has
 * refused.
 */
export function cronProblems(
  places: readonly [SourceNode, ...SourceNode[]],
  written: unknown,
): PolicyProblem[] {
  return schedulesOf(written).flatMap((schedule, i) => {
    const text = isRecord(schedule) ? schedule["cron"] : undefined
    if (typeof text !== "string" || !writtenCron.safeParse(text).success) return []
    const read = readCron(text)
    return "problem" in read ? [problemAt(originOf(places, ["schedules", i, "cron"]), read.problem)] : []
  })
}

/** Schedules with parsed cron expressions; of a policy without problems. */
export function withCronFields(written: unknown): unknown[] {
  return schedulesOf(written).map((schedule) =>
    isRecord(schedule) && typeof schedule["cron"] === "string"
      ? { ...schedule, cron: readCron(schedule["cron"]) }
      : schedule,
  )
}

function schedulesOf(written: unknown): unknown[] {
  const schedules = valueAt(written, ["schedules"])
  return Array.isArray(schedules) ? schedules : []
}
