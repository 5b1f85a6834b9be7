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

/** The part of a ledger entry from which the state is folded. */
export interface ChainEvent {
  /**
   * `decided` a hold, or a scale-up that observe mode did not execute · `opened` · `settled` · `observed` ·
   * `said`.
   */
  kind: "decided" | "opened" | "settled" | "observed" | "said"
  /** 1, 2, 3 … without a gap. */
  seq: number
  /** Epoch milliseconds, like every instant here and in the cloud's own API. */
  at: number
  /**
   * The cloud's time that this run confirmed, or null; missing in `v: 1`. State that guards money expires only
   * by this time.
   */
  confirmedAt?: number | null
  run: string
  signal?: Signal
  policyHash?: string
  /**
   * The policy of that hash, in the first entry of the stream that uses it; later entries name the hash only.
   */
  policy?: Policy
  decision?: Decision
  /**
   * Inputs of `decide`, without `state` (the entry before holds it) and `policy` (`policyHash` names it; in
   * `v: 1` it is here).
   */
  situation?: RecordedSituation
  plan?: ScaleUpPlan
  /**
   * `latching`: rules with `repeat: false` that this attempt latches; in `opened` only, and missing in `v:
   * 1`.
   */
  attempt?: AttemptTiming & { latching?: string[] }
  outcome?: Outcome
  observation?: Observation
  said?: OperatorCommand
  /** Present in stream `fleet` only. */
  fleet?: FleetChange
}
