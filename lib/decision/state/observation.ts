import type { Blindness } from "./blindness.ts"
import type { OrderRecord } from "./order.ts"
import type { WitnessRecord } from "./witness.ts"

/** Record of a notification. */
export interface NotificationRecord {
  /** Epoch milliseconds. */
  at: number
  /** The entry of this chain that states its subject; null: the entry that records the notification. */
  entry: { seq: number; hash: string } | null
  /**
   * Present if the newest try failed: failed tries in a row, and the labels of the recipients that it missed.
   */
  failed?: { tries: number; to: readonly string[] }
  /** Set once every recipient has accepted it. Recorded only for states that are notified once. */
  delivered?: true
}

/**
 * Facts that a run records without a decision. `telling`: a notification is being sent; `told` and
 * `not-told`: its result. `blind`: sources without data, or with data again. `order`: a new state of an
 * order. `witness`: something new from independent sources about an unknown outcome.
 */
export interface Observation {
  kind:
    | "completed"
    | "partial"
    | "wrong"
    | "stuck"
    | "unknown"
    | "accepted"
    | "out-of-band"
    | "effect"
    | "lapsed"
    | "telling"
    | "not-told"
    | "told"
    | "blind"
    | "order"
    | "witness"
  says: string
  attempt: string | null
  /** Servers that it concerns. */
  servers: string[]
  /** All servers that were present; null if they were not read. */
  present: string[] | null
  /** Time of the event by the cloud's times: completion, or creation of the newest external server. */
  at: number
  /** Subject of the notification (`PendingAction.about`), and the entry that states it. */
  telling?: { about: string; entry: NotificationRecord["entry"]; failed?: NotificationRecord["failed"] }
  /** All sources without data, after this tick. */
  blind?: Blindness
  /** The order as the billing service shows it. */
  order?: OrderRecord
  /** What independent sources show of the attempt. */
  witness?: WitnessRecord
  /** Effect of the purchase on the metric that caused it. */
  effect?: { after: number; gain: number }
}
