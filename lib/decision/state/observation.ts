/** That people were told of something. */
export interface Told {
  /** Epoch milliseconds. */
  at: number
  /** The entry of this chain that states what they were told; null: the one that records the telling. */
  entry: { seq: number; hash: string } | null
}

/** What a run noticed without deciding anything, and that it is `telling` people, or that they were `not-told` after all. */
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
  says: string
  attempt: string | null
  /** Servers it is about. */
  servers: string[]
  /** All servers that were there; null where nobody looked. */
  present: string[] | null
  /** When it happened by the cloud's times: completion, or the newest foreign server's creation. */
  at: number
  /** What people are being told (`Telling.about`), and where it is stated. */
  telling?: { about: string; entry: Told["entry"] }
  /** What the purchase did to the metric that caused it. */
  effect?: { after: number; gain: number }
}
