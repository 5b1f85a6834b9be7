import type { Money } from "../policy/money.ts"
import type { Occurrence } from "../schedule/occurrence.ts"
import type { Cause } from "./effect.ts"

/**
 * Where the newest attempt stands.
 *
 *   open ──settled──▶ accepted ──all run──▶ (closed: completed)
 *    │ past its deadline   │ ├─ fewer ────▶ partial ┐
 *    ▼                     │ ├─ other ────▶ wrong   ├── hold until a person settles
 *   unknown ◀──settled     │ └─ 45 min ───▶ stuck   ┘
 *    └─ a person: accepted │ completed │ absent      rejected, not-sent, absent ──▶ (closed, money released)
 */
export type AttemptState = "open" | "accepted" | "unknown" | "stuck" | "partial" | "wrong"

/** The newest attempt, as long as it is not closed. All times are epoch milliseconds. */
export interface OpenAttempt {
  id: string
  run: string
  state: AttemptState
  /** Why it is in this state, in a sentence. */
  says: string
  /** seq of its `opened` entry. */
  seq: number
  openedAt: number
  /** No byte of the request leaves after this. */
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
  /** Of these, the ones that are latched by it (`repeat: false`). */
  latching: string[]
  /** The starts of schedules that it acts for; only where there are any. */
  schedules?: Occurrence[]
  /** Why rules wanted it; only where the policy asks whether purchases help. */
  cause?: Cause
}

/** The try to buy that an `opened` entry begins and a `settled` one ends. */
export interface AttemptTiming {
  id: string
  openedAt: number
  sendBefore: number
  deadline: number
}
