import type { Situation } from "../situation.ts"
import { requestedAt } from "../state/state.ts"
import { lastExternalChangeAt } from "./external-change.ts"

/** End of the cooldown and the events that started it, epoch milliseconds. */
export interface Cooldown {
  /** null: no purchase yet. */
  until: number | null
  requestedAt: number | null
  completedAt: number | null
  foreignAt: number | null
}

/**
 * Both waits must be over: from the request, and from completion (or the newest server that we did not buy).
 */
export function cooldownOf(situation: Situation): Cooldown {
  const { state, policy } = situation
  const requested = requestedAt(state)
  const foreign = lastExternalChangeAt(situation)
  const ends = [
    ...(requested === null ? [] : [requested + policy.minIntervalMs]),
    ...(state.completedAt === null ? [] : [state.completedAt + policy.cooldownMs]),
    ...(foreign === null ? [] : [foreign + policy.cooldownMs]),
  ]
  const until = ends.length > 0 ? Math.max(...ends) : null
  return { until, requestedAt: requested, completedAt: state.completedAt, foreignAt: foreign }
}

/** True if the cooldown blocks this signal. A request of a person may bypass it. */
export function isCooling(situation: Situation): boolean {
  const { until } = cooldownOf(situation)
  const { signal, now } = situation
  return until !== null && until > now && !(signal.kind === "request" && signal.bypassCooldown)
}
