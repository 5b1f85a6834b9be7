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
  /** Random id of the run. By it a run recognizes its own entries, which do not make its signal a duplicate. */
  run: string
  /** `supernode:<id>`. */
  stream: string
  /** Base URL of ModelArts for this supernode's region. */
  endpoint: string
  buyTimeoutMs: number
  sendWithinMs: number
  /** Streams of all supernodes of the policy file, including this one: its `fleet` caps count them. */
  fleetStreams: readonly string[]
  /** True if the caller reads only the kind and the first reason of the decision. Then only recorded decisions get hints. */
  hintsAreUnread?: true
  /** State of the policy file as a whole. Only the first supernode of the file has it, so that operators are notified once. */
  policyFile?: PolicyFileState
}

/** Time reserved for one write to the ledger. A purchase, a release and a notification do not start without it. */
export const LEDGER_WRITE_MS = 5_000
