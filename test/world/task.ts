import type { Signal } from "../../lib/decision/inputs/signal.ts"
import type { LoadedPolicy } from "../../lib/decision/policy/loaded-policy.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import { digest } from "../../lib/digest.ts"
import { supernodeStream } from "../../lib/ledger/next-entry.ts"
import type { RunTask } from "../../lib/run/task.ts"
import { MINUTE, SECOND } from "../decision/builders.ts"

/** Limit from the first byte of a purchase to the last byte of its response, in milliseconds. */
export const BUY_TIMEOUT_MS = MINUTE
/** Time within which an attempt may be sent, in milliseconds. */
export const SEND_WITHIN_MS = 30 * SECOND

/** A policy as loaded from a file of its own. */
export function loadedOf(policy: Policy, hash = digest(policy)): LoadedPolicy {
  return { policy, hash, userdata: null }
}

export interface Waking {
  signal: Signal
  policy: Policy
  /** Id of the run. */
  run: string
}

/**
 * The task of one run, as a door makes it for a file with only this policy. Live unless a request sets its
 * mode.
 */
export function taskOf({ signal, policy, run }: Waking, over: Partial<RunTask> = {}): RunTask {
  const stream = supernodeStream(policy.id)
  return {
    signal,
    exclusive: true,
    loaded: over.loaded ?? loadedOf(policy),
    mode: signal.kind === "request" ? signal.mode : "live",
    run,
    stream,
    endpoint: "https://modelarts.test",
    buyTimeoutMs: BUY_TIMEOUT_MS,
    sendWithinMs: SEND_WITHIN_MS,
    fleetStreams: [stream],
    ...over,
  }
}
