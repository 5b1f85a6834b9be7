import type { Policy } from "../policy/policy.ts"
import type { SupernodeState } from "../state/state.ts"

export interface Arming {
  policy: Pick<Policy, "armAfterMs">
  policyHash: string
  state: Pick<SupernodeState, "policySeen">
  now: number
}

/**
 * Until when a policy only observes (`arm_after`), epoch milliseconds; null where it does not or no longer. "unseen": the
 * time begins with the first recorded run whose time the cloud confirmed. It counts how long this very policy has been in force without a break: one
 * that comes back after another begins anew, since nobody knows that it still fits.
 */
export function armingUntil({ policy, policyHash, state, now }: Arming): number | "unseen" | null {
  if (policy.armAfterMs === 0) return null
  if (state.policySeen?.hash !== policyHash || state.policySeen.unconfirmed) return "unseen"
  const until = state.policySeen.since + policy.armAfterMs
  return until > now ? until : null
}
