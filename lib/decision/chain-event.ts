import type { Said } from "./control.ts"
import type { Decision } from "./decision.ts"
import type { FleetNews } from "./fleet.ts"
import type { Outcome } from "./outcome.ts"
import type { ScaleUpPlan } from "./plan.ts"
import type { Signal } from "./signal.ts"
import type { Situation } from "./situation.ts"
import type { AttemptRecord, Observation } from "./standing.ts"

/** What happened: the part of a ledger entry that the standing is folded from. */
export interface ChainEvent {
  /** `decided` a hold, or a yes that observe mode did not act on · `opened` · `settled` · `observed` · `said`. */
  kind: "decided" | "opened" | "settled" | "observed" | "said"
  /** 1, 2, 3 … without a gap. */
  seq: number
  /** Epoch milliseconds, like every instant here and in the cloud's own API. */
  at: number
  run: string
  signal?: Signal
  policyHash?: string
  decision?: Decision
  /** What `decide` read, without `standing`: that is the one of the entry before. */
  situation?: Omit<Situation, "standing">
  plan?: ScaleUpPlan
  attempt?: AttemptRecord
  outcome?: Outcome
  observation?: Observation
  said?: Said
  /** In stream `fleet` only. */
  fleet?: FleetNews
}
