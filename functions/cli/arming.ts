import type { Standing } from "../../lib/decision/standing.ts"
import type { LoadedPolicy } from "../../lib/policy-file.ts"

/**
 * Until when a policy only observes (`arm_after`), epoch milliseconds; null where it does not or no longer. "unseen": the
 * time begins with the first run that is recorded.
 */
export function armingUntil(
  { policy, hash }: LoadedPolicy,
  { policySeen }: Standing,
  now: number,
): number | "unseen" | null {
  if (policy.armAfterMs === 0) return null
  if (policySeen?.hash !== hash) return "unseen"
  const until = policySeen.since + policy.armAfterMs
  return until > now ? until : null
}
