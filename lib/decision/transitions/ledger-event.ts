import type { Decision } from "../decision.ts"
import type { Signal } from "../inputs/signal.ts"
import type { ScaleUpPlan } from "../plan.ts"
import type { Situation } from "../situation.ts"
import type { AttemptRecord } from "../state/attempt.ts"
import type { Said } from "../state/control.ts"
import type { FleetNews } from "../state/fleet-reservations.ts"
import type { Observation } from "../state/observation.ts"
import type { Outcome } from "../state/outcome.ts"

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
