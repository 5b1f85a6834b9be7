import type { Decision } from "../decision/decision.ts"
import type { ScaleUpPlan } from "../decision/plan.ts"
import type { RunMode } from "../decision/situation.ts"
import type { FinishedRun } from "./notify.ts"
import type { RunTask } from "./task.ts"

/** Maximum number of rounds that end in a conflict. Also the maximum number of purchases that one run may try. */
export const MAX_ROUNDS = 3

/** Result of one round: the run is done, tries a larger rung, or was overtaken by another run. */
export type Round =
  | ({ kind: "done" | "next-larger" } & FinishedRun)
  | { kind: "overtaken"; decision: Decision; plan: ScaleUpPlan | null; mode: RunMode }

export function overtaken(task: RunTask): Round {
  const decision: Decision = { kind: "hold", heldBy: null, findings: [], target: null, cleared: [] }
  return { kind: "overtaken", decision, plan: null, mode: task.mode }
}
