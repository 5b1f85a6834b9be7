import type { PolicyFileState } from "../decision/explain/notifications.ts"
import type { Signal } from "../decision/inputs/signal.ts"
import type { LoadedPolicy } from "../decision/policy/loaded-policy.ts"
import type { RunMode } from "../decision/situation.ts"

/** One signal for one supernode. */
export interface RunTask {
  signal: Signal
  /** The alarm is listed under this supernode only. */
  exclusive: boolean
  loaded: LoadedPolicy
  mode: RunMode
  /** Random per run: what this run wrote is no duplicate to itself. */
  run: string
  /** `supernode:<id>`. */
  stream: string
  /** Base URL of ModelArts for this supernode's region. */
  endpoint: string
  buyTimeoutMs: number
  sendWithinMs: number
  /** Streams of all supernodes of the policy file, this one's among them: what its `fleet` caps count. */
  fleetStreams: readonly string[]
  /** Only the decision's kind and first reason are read of the result: hints are made for recorded decisions alone. */
  hintsAreUnread?: true
  /** News of the policy file as a whole; only with the first supernode of the file, so that operators hear of it once. */
  fileNews?: PolicyFileState
}

/** Time kept for one write to the ledger: a purchase, a release and a notification do not start without it. */
export const LEDGER_WRITE_MS = 5_000
