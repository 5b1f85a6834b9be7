import type { RunResult } from "../../lib/run/result.ts"

/** Exit codes of the command line: a public contract. */
export const EXIT = {
  /** Done as requested; includes a hold on an alarm, a tick or a dry run. */
  done: 0,
  failed: 1,
  usage: 2,
  /** Held, although a live request asked to buy. */
  held: 3,
  /** The order was rejected or not sent. */
  notBought: 4,
  /** The outcome of the order is unknown. */
  unknown: 5,
} as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** If a command has several codes, it ends with the first of these. */
const MOST_SERIOUS_FIRST: readonly ExitCode[] = [EXIT.unknown, EXIT.failed, EXIT.notBought, EXIT.held]

export function worstExitCode(codes: readonly ExitCode[]): ExitCode {
  return MOST_SERIOUS_FIRST.find((code) => codes.includes(code)) ?? EXIT.done
}

/** The exit code of one supernode's result. `isAsked`: true if a person's request asked to buy. */
export function exitCodeOf({ mode, decision, outcome }: RunResult, isAsked: boolean): ExitCode {
  switch (outcome?.kind) {
    case "unknown":
      return EXIT.unknown
    case "rejected":
    case "not-sent":
      return EXIT.notBought
    case "accepted":
      return EXIT.done
    case undefined:
      // The first delivery of this request opened an attempt that has no outcome yet.
      if (decision.heldBy === "duplicate" && mode === "live") return EXIT.unknown
      return isAsked && mode !== "dry-run" ? EXIT.held : EXIT.done
    default:
      return outcome satisfies never
  }
}
