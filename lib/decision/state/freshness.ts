import type { AlarmSignal } from "../inputs/signal.ts"
import type { Policy } from "../policy/policy.ts"
import { getOwn } from "./get-own.ts"
import type { SupernodeState } from "./state.ts"

/** First delivery of a person's request that has only held so far, from its entry. */
export interface EarlierDelivery {
  /** Epoch milliseconds. */
  at: number
  /** True if it held only for `approval-needed`. */
  forApprovalOnly: boolean
}

/** Time after its first delivery in which a request that held may run again. */
const ASK_AGAIN_MS = 15 * 60_000

/** End of that time for a request that held, epoch milliseconds. */
export function repeatableUntil(
  { at, forApprovalOnly }: EarlierDelivery,
  { approval }: Pick<Policy, "approval">,
): number {
  const expiresMs = forApprovalOnly && approval ? approval.expires : 0
  return at + Math.max(ASK_AGAIN_MS, expiresMs)
}

/**
 * Time at which an OK closed the alarm's episode, epoch milliseconds; with too many episodes, the newest
 * dropped close.
 */
export function closedAtOf(
  { episode }: AlarmSignal,
  { episodes, episodesClosedAt = -Infinity }: Pick<SupernodeState, "episodes" | "episodesClosedAt">,
): number | null {
  const closedAt = Math.max(getOwn(episodes, episode.key)?.closedAt ?? -Infinity, episodesClosedAt)
  return Number.isFinite(closedAt) ? closedAt : null
}
