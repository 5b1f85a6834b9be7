import type { PolicyFile } from "../policy-file/load.ts"
import type { RunResult } from "../run/result.ts"
import type { SkippedTick } from "./ticker.ts"

/** All events of a serving process, for its log. None of them contains headers, bodies or tokens. */
export type ServeEvent =
  | { kind: "request"; answered: AnsweredRequest }
  /** A run came to its end. */
  | { kind: "result"; result: RunResult }
  | { kind: "warning"; says: string }
  /** Runs that failed, or a request that could not be handled. `what` is what was being done. */
  | { kind: "failed"; what: string; error: unknown }
  | { kind: "ticked"; at: number; tookMs: number; isOk: boolean }
  | { kind: "tick-skipped"; tick: SkippedTick }
  | { kind: "policy-read"; file: PolicyFile; next: number | null }
  /** The new policy is not valid; the old one goes on. */
  | { kind: "policy-refused"; error: unknown }
  | { kind: "stopping"; graceMs: number; running: number }
  /** Answered 202 before, and never run because of the stop: the next tick has to find it. */
  | { kind: "dropped"; signals: readonly string[] }
  | { kind: "stopped"; left: number }

export interface AnsweredRequest {
  method: string
  /** Cleaned and bounded; a segment that could be a token is cut. The query is no part of it. */
  path: string
  status: number
  tookMs: number
  /** Error of a refused request. */
  why: string | null
}

export type Emit = (news: ServeEvent) => void
