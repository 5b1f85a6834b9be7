import type { Occurrence } from "./schedule/occurrence.ts"
import type { Cause } from "./state/effect.ts"

/** One gate's verdict and the numbers behind it. */
export interface Finding {
  gate: string
  /** null: not evaluated, and `says` tells why. null never buys. */
  passed: boolean | null
  /** The reason's id where it did not pass; null where it did. */
  reason: string | null
  says: string
  facts: Record<string, unknown>
}

/** The rung that would be bought. */
export interface Target {
  flavor: string
  /** Servers present now, and servers in all after the purchase. */
  from: number
  to: number
  /** Names of the rules that proposed it; empty where a person asked, or only a schedule wants that much. */
  rules: string[]
  /** The starts of the schedules whose floors it answers; only where there are any. */
  schedules?: Occurrence[]
  /** Only with an efficacy rule in the policy, and where rules proposed it. */
  cause?: Cause
}

/** What to do, why, and everything that was looked at. */
export interface Decision {
  kind: "scale-up" | "hold"
  /** The first failing finding's reason; null for a scale-up. */
  heldBy: string | null
  findings: Finding[]
  /** Present wherever a rung was chosen, whether or not it may be bought. */
  target: Target | null
  /** Latched rules (`repeat: false`) whose metric was seen on the clear side. */
  cleared: string[]
}
