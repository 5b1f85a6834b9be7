import type { Fetched } from "./inputs/fetched.ts"
import type { Reading } from "./inputs/reading.ts"
import type { Signal } from "./inputs/signal.ts"
import type { Offer, Supernode } from "./inputs/supernode.ts"
import type { FleetSpend } from "./money/fleet-spend.ts"
import type { Policy } from "./policy/policy.ts"
import type { Control } from "./state/control.ts"
import type { EarlierDelivery } from "./state/freshness.ts"
import type { SupernodeState } from "./state/state.ts"

/** `live` buys · `dry-run` reads everything and writes nothing · `observe` decides and records, never buys. */
export type RunMode = "live" | "dry-run" | "observe"

/** Every input of `decide`. Recorded, so that the decision can be replayed. */
export interface Situation {
  signal: Signal
  /** The alarm is listed under this supernode only, so its points can concern no other. */
  exclusive: boolean
  policy: Policy
  policyHash: string
  /** Base URL of ModelArts, without a slash at the end. */
  endpoint: string
  run: string
  now: number
  /** `at` of the chain's newest entry; null on an empty chain. */
  headAt: number | null
  state: SupernodeState
  /** Present only if this request of a person was delivered before and was held. */
  asked?: EarlierDelivery
  control: Fetched<Control>
  /** The cloud's clock (`Date` header) minus ours, milliseconds; null before the first response. */
  cloudSkewMs: number | null
  /** The earliest `Date` header of this run's responses, epoch milliseconds; null or missing if none had one. */
  cloudDate?: number | null
  supernode: Fetched<Supernode>
  /** One reading per rule of the policy. */
  readings: Fetched<Reading[]>
  offers: Fetched<Offer[]>
  /**
   * Earliest time that the cloud's clock confirmed for a run on this ledger, epoch milliseconds; null if no
   * entry has one. Present only if the ledger was empty at `ledger init` and no gate holds.
   */
  ledgerConfirmedAt?: number | null
  /** Present only if the policy has caps across supernodes. */
  fleet?: Fetched<FleetSpend>
}
