/** What can happen in a history; `at` is milliseconds since it began. */
export type Happening =
  | { kind: "alarm"; id: string; episode: string; at: number; state: "alarm" | "ok" | "insufficient-data" }
  /** `at` null: scheduled for the moment it comes. */
  | { kind: "tick"; id: string; at: number | null }
  /** A person who was shown at the beginning what going from two servers to so many would be. */
  | { kind: "request"; id: string; servers: number; bypass: boolean }
  | { kind: "pause" | "resume" | "settle" | "reset" }
  | { kind: "hold"; forMs: number }
  | { kind: "load"; isHigh: boolean }

/** What wakes a run; the others are people's words and the weather. */
export type Event = Extract<Happening, { kind: "alarm" | "tick" | "request" }>

/** The servers of each order that was sent, and why no more were. */
export interface Verdict {
  bought: number[]
  heldBy: string | null
}

export interface Decided {
  heldBy: string | null
  to: number | null
}
