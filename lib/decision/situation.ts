import type { Control } from "./control.ts"
import type { FleetSpend } from "./fleet.ts"
import type { Policy } from "./policy.ts"
import type { Reading } from "./reading.ts"
import type { Signal } from "./signal.ts"
import type { Standing } from "./standing.ts"
import type { Offer, Supernode } from "./supernode.ts"

/** `live` buys · `dry-run` reads everything and writes nothing · `observe` decides and records, never buys. */
export type RunMode = "live" | "dry-run" | "observe"

/** Something that was read, could not be read, or was not worth reading. */
export type Seen<T> =
  | { state: "not-read" }
  | { state: "read"; value: T }
  | { state: "unreadable"; why: string /** The cloud answered 401 or 403. */; credentials: boolean }

export const NOT_READ = { state: "not-read" } as const

/** Everything `decide` may look at. Recorded, so that the decision can be replayed. */
export interface Situation {
  signal: Signal
  /** The alarm is listed under this supernode only, so its points can be about no other. */
  exclusive: boolean
  policy: Policy
  policyHash: string
  /** Base URL of ModelArts, without a slash at the end. */
  endpoint: string
  run: string
  now: number
  /** `at` of the chain's newest entry; null on an empty chain. */
  headAt: number | null
  standing: Standing
  control: Seen<Control>
  /** The cloud's clock (`Date` header) minus ours, milliseconds; null before anything was read. */
  cloudSkewMs: number | null
  supernode: Seen<Supernode>
  /** One reading per rule of the policy. */
  readings: Seen<Reading[]>
  offers: Seen<Offer[]>
  /** Only where the policy has caps across supernodes. */
  fleet?: Seen<FleetSpend>
}
