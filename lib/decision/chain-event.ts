import type { Said } from "./control.ts"
import type { Decision } from "./decision.ts"
import type { Outcome } from "./outcome.ts"
import type { ScaleUpPlan } from "./plan.ts"
import type { Signal } from "./signal.ts"
import type { Situation } from "./situation.ts"
import type { AttemptRecord, Observation } from "./standing.ts"

/** What the fold needs of an entry; every draft of a supernode's stream is one. */
export interface ChainEvent {
  kind: "decided" | "opened" | "settled" | "observed" | "said"
  seq: number
  at: number
  run: string
  signal?: Signal
  policyHash?: string
  decision?: Decision
  situation?: Omit<Situation, "standing">
  plan?: ScaleUpPlan
  attempt?: AttemptRecord
  outcome?: Outcome
  observation?: Observation
  said?: Said
}
