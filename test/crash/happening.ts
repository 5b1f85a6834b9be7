/** An event of a history; `at` is milliseconds since it began. */
export type Happening =
  | { kind: "alarm"; id: string; episode: string; at: number; state: "alarm" | "ok" | "insufficient-data" }
  /** `at` is null if the tick is scheduled for the time of its arrival. */
  | { kind: "tick"; id: string; at: number | null }
  /** A request for the plan, shown at the beginning, from two servers to this number. */
  | { kind: "request"; id: string; servers: number; bypass: boolean }
  | { kind: "pause" | "resume" | "settle" | "reset" }
  | { kind: "hold"; forMs: number }
  | { kind: "load"; isHigh: boolean }

/** Events that start a run; the others are operator commands and incidents. */
export type Event = Extract<Happening, { kind: "alarm" | "tick" | "request" }>

/** Servers of each order that was sent, and the reason why no more were. */
export interface Verdict {
  bought: number[]
  heldBy: string | null
}

export interface Decided {
  heldBy: string | null
  to: number | null
}
