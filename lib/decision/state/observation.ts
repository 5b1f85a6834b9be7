import type { Blindness } from "./blindness.ts"
import type { OrderRecord } from "./order.ts"

/** That people were told of something. */
export interface NotificationRecord {
  /** Epoch milliseconds. */
  at: number
  /** The entry of this chain that states what they were told; null: the one that records the telling. */
  entry: { seq: number; hash: string } | null
  /** The newest try failed: how many did in a row, and the labels of the recipients that it missed. */
  failed?: { tries: number; to: readonly string[] }
  /** It is on record that every recipient took it; only for what is told once. */
  delivered?: true
}

/**
 * What a run noticed without deciding anything; that it is `telling` people, and how that ended: `told`, or `not-told`
 * where a recipient did not take it; that sources are `blind`, or have data again; what an `order` became.
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
  says: string
  attempt: string | null
  /** Servers it is about. */
  servers: string[]
  /** All servers that were there; null where nobody looked. */
  present: string[] | null
  /** When it happened by the cloud's times: completion, or the newest foreign server's creation. */
  at: number
  /** What people are being told (`PendingAction.about`), and where it is stated. */
  telling?: { about: string; entry: NotificationRecord["entry"]; failed?: NotificationRecord["failed"] }
  /** All sources without data, after this tick. */
  blind?: Blindness
  /** The order as the billing service shows it. */
  order?: OrderRecord
  /** What the purchase did to the metric that caused it. */
  effect?: { after: number; gain: number }
}
