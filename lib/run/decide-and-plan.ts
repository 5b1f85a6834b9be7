import { explain } from "../decision/decide.ts"
import type { Decision } from "../decision/decision.ts"
import { planScaleUp, type ScaleUpPlan } from "../decision/plan.ts"
import type { RunMode, Situation } from "../decision/situation.ts"
import { digest } from "../digest.ts"
import type { Ports } from "../ports.ts"
import { decideOnce } from "./decide-once.ts"
import { heldUntrusted } from "./ledger-trust.ts"
import { modeOf } from "./mode.ts"
import { withPreconditions } from "./preconditions.ts"
import type { RunTask } from "./task.ts"

/** The decision about one situation, with what lies outside the gates, and the plan of the target that it chose. */
export interface Decided {
  situation: Situation
  decision: Decision
  /** null where no target was chosen. */
  plan: ScaleUpPlan | null
  mode: RunMode
}

export function decideAndPlan(ports: Ports, task: RunTask, situation: Situation): Decided {
  const explained = explain(situation, decideOnce(situation), digest)
  const decided = heldUntrusted(task, situation, explained)
  const plan = decided.target && planScaleUp(situation, decided.target, digest)
  const mode = modeOf(task, situation)
  const decision = withPreconditions(ports, task, { situation, decision: decided, mode })
  return { situation, decision, plan, mode }
}
