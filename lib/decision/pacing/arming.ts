import type { Policy } from "../policy/policy.ts"
import type { SupernodeState } from "../state/state.ts"

export interface Arming {
  policy: Pick<Policy, "armAfterMs">
  policyHash: string
  state: Pick<SupernodeState, "policySeen">
  now: number
}

/**
 * End of observe-only time after a policy change (`arm_after`), epoch milliseconds; null if there is none or
 * it is over. "unseen": the time begins with the first recorded run whose time the cloud confirmed. Only time in
 * which runs used exactly this policy counts. If a policy returns after another one, its time starts again,
 * since it is unknown whether it still fits.
 */
export function armingUntil({ policy, policyHash, state, now }: Arming): number | "unseen" | null {
  if (policy.armAfterMs === 0) return null
  if (state.policySeen?.hash !== policyHash || state.policySeen.unconfirmed) return "unseen"
  const until = state.policySeen.since + policy.armAfterMs
  return until > now ? until : null
}
