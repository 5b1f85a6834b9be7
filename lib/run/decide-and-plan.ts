import { explain } from "../decision/decide.ts"
import type { Decision } from "../decision/decision.ts"
import type { ScaleUpPlan } from "../decision/plan.ts"
import type { RunMode, Situation } from "../decision/situation.ts"
import type { Ports } from "../ports.ts"
import { considerOnce } from "./decide-once.ts"
import { heldUntrusted } from "./ledger-trust.ts"
import { modeOf } from "./mode.ts"
import { withPreconditions } from "./preconditions.ts"
import type { RunTask } from "./task.ts"

/** The decision about one situation, and the plan of the target that it chose. */
export interface PlannedDecision {
  situation: Situation
  decision: Decision
  /** null if no target was chosen. */
  plan: ScaleUpPlan | null
  mode: RunMode
}

/** Decides whether to buy, and makes the plan of the purchase. Also holds for reasons that are not gates. */
export function decideAndPlan(ports: Ports, task: RunTask, situation: Situation): PlannedDecision {
  const considered = considerOnce(task, situation)
  const explained = task.hintsAreUnread ? considered.decision : explain(considered)
  const decided = heldUntrusted(task, situation, explained)
  const plan = decided.target && considered.facts.planOf()
  const mode = modeOf(task, situation)
  const decision = withPreconditions(ports, task, { situation, decision: decided, mode })
  return { situation, decision, plan, mode }
}

/** Adds the hints before the decision is recorded. A run whose result shows no hints has not made them yet. */
export function withHints<D extends PlannedDecision>(task: RunTask, decided: D): D {
  if (!task.hintsAreUnread) return decided
  const { facts } = considerOnce(task, decided.situation)
  return { ...decided, decision: explain({ decision: decided.decision, facts }) }
}
