import type { Choice } from "../ladder/choose-rung.ts"
import type { Digest, ScaleUpPlan } from "../plan.ts"
import type { Money } from "../policy/money.ts"
import type { Situation } from "../situation.ts"
import type { Verdict } from "../verdict.ts"

/** What every gate may look at: the situation, and what follows from it. */
export interface GateFacts {
  situation: Situation
  choice: Choice
  /** The exact order for the chosen rung; null where none was chosen. */
  plan: ScaleUpPlan | null
  /** What that order costs; null where the policy gives no price. */
  cost: Money | null
  digest: Digest
}

export interface Gate {
  /** The id in findings, ledger and README. */
  id: string
  check(facts: GateFacts): Verdict
}
