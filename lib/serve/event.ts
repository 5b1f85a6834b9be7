import type { PolicyFile } from "../policy-file/load.ts"
import type { RunResult } from "../run/result.ts"
import type { SkippedTick } from "./ticker.ts"

/** All events of a serving process, for its log. None of them contains headers, bodies or tokens. */
export type ServeEvent =
  | { kind: "request"; answered: AnsweredRequest }
  /** A run ended. */
  | { kind: "result"; result: RunResult }
  | { kind: "warning"; says: string }
  /** Runs that failed, or a request that could not be handled. `what` names the failed work. */
  | { kind: "failed"; what: string; error: unknown }
  | { kind: "ticked"; at: number; tookMs: number; isOk: boolean }
  | { kind: "tick-skipped"; tick: SkippedTick }
  | { kind: "policy-read"; file: PolicyFile; next: number | null }
  /** The new policy is not valid; the old one still applies. */
  | { kind: "policy-refused"; error: unknown }
  | { kind: "stopping"; graceMs: number; running: number }
  /** Signals answered with 202 but not run because of the stop. The next tick must find their demand. */
  | { kind: "dropped"; signals: readonly string[] }
  | { kind: "stopped"; left: number }

export interface AnsweredRequest {
  method: string
  /**
   * The path without its query, cleaned and limited in length. A segment that could be a token is truncated.
   */
  path: string
  status: number
  tookMs: number
  /** Error of a refused or failed request; otherwise `null`. */
  why: string | null
}

export type Emit = (event: ServeEvent) => void
