import type { Decision } from "../decision.ts"
import type { Signal } from "../inputs/signal.ts"
import type { ScaleUpPlan } from "../plan.ts"
import type { Policy } from "../policy/policy.ts"
import type { Situation } from "../situation.ts"
import type { AttemptTiming } from "../state/attempt.ts"
import type { OperatorCommand } from "../state/control.ts"
import type { FleetChange } from "../state/fleet-reservations.ts"
import type { Observation } from "../state/observation.ts"
import type { Outcome } from "../state/outcome.ts"

export type RecordedSituation = Omit<Situation, "state" | "policy"> & { policy?: Policy }

/** What happened: the part of a ledger entry that the state is folded from. */
export interface ChainEvent {
  /** `decided` a hold, or a yes that observe mode did not act on · `opened` · `settled` · `observed` · `said`. */
  kind: "decided" | "opened" | "settled" | "observed" | "said"
  /** 1, 2, 3 … without a gap. */
  seq: number
  /** Epoch milliseconds, like every instant here and in the cloud's own API. */
  at: number
  /** The cloud's time that this run confirmed, or null; missing in `v: 1`. What guards money expires by no other time. */
  confirmedAt?: number | null
  run: string
  signal?: Signal
  policyHash?: string
  /** The policy of that hash, in the first entry of the stream that was decided by it; later ones name the hash only. */
  policy?: Policy
  decision?: Decision
  /** What `decide` read, without `state` (the entry before holds it) and `policy` (`policyHash` names it; in `v: 1` it is here). */
  situation?: RecordedSituation
  plan?: ScaleUpPlan
  /** `latching`: rules with `repeat: false` that this attempt latches; in `opened` only, and missing in `v: 1`. */
  attempt?: AttemptTiming & { latching?: string[] }
  outcome?: Outcome
  observation?: Observation
  said?: OperatorCommand
  /** In stream `fleet` only. */
  fleet?: FleetChange
}
