import type { Occurrence } from "./schedule/occurrence.ts"
import type { Cause } from "./state/effect.ts"

/** Verdict of one gate, with the numbers behind it. */
export interface Finding {
  gate: string
  /** null: the gate was not evaluated; `says` gives the reason. A null never buys. */
  passed: boolean | null
  /** Id of the reason if the gate did not pass; else null. */
  reason: string | null
  says: string
  facts: Record<string, unknown>
}

/** The rung to buy. */
export interface Target {
  flavor: string
  /** Servers present now, and servers in total after the purchase. */
  from: number
  to: number
  /**
   * Names of the rules that proposed the rung; empty if a person requested it or only a schedule demands it.
   */
  rules: string[]
  /** Starts of the schedules whose floors this rung satisfies; present only if there are any. */
  schedules?: Occurrence[]
  /** Present only with an efficacy rule in the policy and a proposal by rules. */
  cause?: Cause
}

/** Decision, its reason, and all findings. */
export interface Decision {
  kind: "scale-up" | "hold"
  /** Reason of the first failing finding; null for a scale-up. */
  heldBy: string | null
  findings: Finding[]
  /** Present if a rung was chosen, whether or not it may be bought. */
  target: Target | null
  /** Latched rules (`repeat: false`) whose metric was seen on the clear side. */
  cleared: string[]
}
