import { isRecord } from "../decision/policy/amounts.ts"
import { writtenCron } from "../decision/policy/cron.ts"
import { valueAt } from "./issue-text.ts"
import { originOf, problemAt, type SourceNode } from "./position.ts"
import type { PolicyProblem } from "./problem.ts"

// Cron expressions of `schedules` in the policy file, and the positions of their problems.

export type ReadCron = typeof import("./cron.ts").readCron

/** Reader of cron expressions. Loads its library only if a supernode or `defaults` has a schedule. */
export async function cronReader(written: readonly unknown[]): Promise<ReadCron> {
  if (written.some((one) => schedulesOf(one).length > 0)) return (await import("./cron.ts")).readCron
  return () => ({ problem: "cannot be checked: the cron library was not loaded" })
}

/** Problems of cron expressions in one supernode or in `defaults`, except those that the schema reports. */
export function cronProblems(
  readCron: ReadCron,
  nodes: readonly [SourceNode, ...SourceNode[]],
  written: unknown,
): PolicyProblem[] {
  return schedulesOf(written).flatMap((schedule, i) => {
    const text = isRecord(schedule) ? schedule["cron"] : undefined
    if (typeof text !== "string" || !writtenCron().safeParse(text).success) return []
    const read = readCron(text)
    return "problem" in read ? [problemAt(originOf(nodes, ["schedules", i, "cron"]), read.problem)] : []
  })
}

/** Schedules with their cron expressions parsed. Only for a policy without problems. */
export function withCronFields(readCron: ReadCron, written: unknown): unknown[] {
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
