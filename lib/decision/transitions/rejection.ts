import type { OpenAttempt } from "../state/attempt.ts"
import { getOwn } from "../state/get-own.ts"
import { offName } from "../state/handled-starts.ts"
import type { Rejected, RejectionClass } from "../state/outcome.ts"
import type { Backoff, SupernodeState } from "../state/state.ts"

const THROTTLE = { firstMs: 30_000, maxMs: 10 * 60_000 }
const CAPACITY = { firstMs: 5 * 60_000, maxMs: 60 * 60_000 }

/** State without any record of a refusal; a person's `reset` restores it. */
export const REFUSAL_FREE: Pick<SupernodeState, "breaker" | "throttle" | "blocked" | "rulesOff"> = {
  breaker: null,
  throttle: null,
  blocked: {},
  rulesOff: {},
}

/** Each refusal in a row doubles the wait, up to a bound. */
function longer(
  before: Backoff | null | undefined,
  { firstMs, maxMs }: { firstMs: number; maxMs: number },
  at: number,
): Backoff {
  const times = (before?.times ?? 0) + 1
  return { until: at + Math.min(maxMs, firstMs * 2 ** (times - 1)), times }
}

/** Folds a refused purchase: waits, a blocked flavor, switched-off rules, or a breaker that a person resets. */
export function foldRejection(
  state: SupernodeState,
  { attempt, rejected, at, policyHash }: Refusal,
): SupernodeState {
  switch (rejected.class) {
    case "throttle": {
      const doubled = longer(state.throttle, THROTTLE, at)
      return {
        ...state,
        throttle:
          rejected.retryAfterMs === null ? doubled : { ...doubled, until: at + rejected.retryAfterMs },
      }
    }
    case "capacity":
      return {
        ...state,
        blocked: {
          ...state.blocked,
          [attempt.flavor]: longer(getOwn(state.blocked, attempt.flavor), CAPACITY, at),
        },
      }
    case "invalid":
      // If a person requested the order, no rule or schedule caused it, so none is switched off. The person sees the refusal.
      return {
        ...state,
        rulesOff: {
          ...state.rulesOff,
          ...Object.fromEntries(proposersOf(attempt).map((name) => [name, policyHash])),
        },
      }
    case "quota":
    case "balance":
    case "auth":
    case "not-found":
      return { ...state, breaker: { class: rejected.class, since: at, says: sayRejection(rejected) } }
    case "state-conflict":
      return state
    default:
      return rejected.class satisfies never
  }
}

function proposersOf({ rules, schedules = [] }: OpenAttempt): string[] {
  return [...rules, ...schedules.map(({ schedule }) => offName(schedule))]
}

export interface Refusal {
  attempt: OpenAttempt
  rejected: Rejected
  at: number
  policyHash: string
}

function sayRejection({
  status,
  code,
  message,
}: {
  status: number
  code: string
  message: string | null
  class: RejectionClass
}): string {
  return `${status} ${code}${message ? `: ${message}` : ""}`
}
