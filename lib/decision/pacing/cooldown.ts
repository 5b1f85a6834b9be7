import type { Situation } from "../situation.ts"
import { requestedAt } from "../state/state.ts"
import { lastExternalChangeAt } from "./external-change.ts"

/** When waiting ends and what it was started by, epoch milliseconds. */
export interface Cooldown {
  /** null: nothing was bought yet. */
  until: number | null
  requestedAt: number | null
  completedAt: number | null
  foreignAt: number | null
}

/** Both clocks must be over: from the request, and from completion (or the newest server that we did not buy). */
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

/** Does the cooldown stand in the way of this signal? Not where a person asks for it to be bypassed. */
export function isCooling(situation: Situation): boolean {
  const { until } = cooldownOf(situation)
  const { signal, now } = situation
  return until !== null && until > now && !(signal.kind === "request" && signal.bypassCooldown)
}
