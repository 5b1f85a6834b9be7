import type { Money } from "../policy/money.ts"
import type { Occurrence } from "../schedule/occurrence.ts"
import type { Cause } from "./effect.ts"

/** Time after acceptance at which new servers that do not run are stuck: an operator should look. */
export const STUCK_AFTER_MS = 45 * 60_000

/**
 * State of the newest attempt.
 *
 *   open ──settled──▶ accepted ──all run──▶ (closed: completed)
 *    │ past its deadline   │ ├─ fewer ────▶ partial ┐
 *    ▼                     │ ├─ other ────▶ wrong   ├── hold until a person settles
 *   unknown ◀──settled     │ └─ 45 min ───▶ stuck   ┘
 *    └─ a person: accepted │ completed │ absent      rejected, not-sent, absent ──▶ (closed, money released)
 */
export type AttemptState = "open" | "accepted" | "unknown" | "stuck" | "partial" | "wrong"

/** The newest attempt until it is closed. All times are epoch milliseconds. */
export interface OpenAttempt {
  id: string
  run: string
  state: AttemptState
  /** Reason for this state, in a sentence. */
  says: string
  /** seq of its `opened` entry. */
  seq: number
  openedAt: number
  /** Deadline for the first byte of the request. */
  sendBefore: number
  /** sendBefore + the request's timeout: an attempt that is open later than this is unknown. */
  deadline: number
  acceptedAt: number | null
  flavor: string
  from: number
  to: number
  cost: Money | null
  /** Ids of the servers that were present before the purchase. */
  before: string[]
  orderId: string | null
  rules: string[]
  /** The rules among these that this attempt latches (`repeat: false`). */
  latching: string[]
  /** Starts of schedules that it satisfies; present only if there are any. */
  schedules?: Occurrence[]
  /** Cause of the demand by rules; present only with an efficacy rule in the policy. */
  cause?: Cause
}

/** Times of one attempt, from its `opened` entry to its `settled` one. */
export interface AttemptTiming {
  id: string
  openedAt: number
  sendBefore: number
  deadline: number
}
