import type { Choice } from "../ladder/choose-rung.ts"
import type { Digest, ScaleUpPlan } from "../plan.ts"
import type { Money } from "../policy/money.ts"
import type { Situation } from "../situation.ts"
import type { Verdict } from "../verdict.ts"

/** Inputs of every gate: the situation, and what follows from it. */
export interface GateFacts {
  situation: Situation
  choice: Choice
  /** The exact order for the chosen rung; null if none was chosen. It is made once, at the first call. */
  planOf: () => ScaleUpPlan | null
  /** Cost of that order; null if the policy gives no price. */
  cost: Money | null
  digest: Digest
}

export interface Gate {
  /** Id in findings, ledger and README. */
  id: string
  check(facts: GateFacts): Verdict
}
