import type { AlarmSignal } from "../inputs/signal.ts"
import type { Policy } from "../policy/policy.ts"
import { getOwn } from "./get-own.ts"
import type { SupernodeState } from "./state.ts"

/** The first delivery of a person's request that has only held so far, as its entry tells. */
export interface EarlierDelivery {
  /** Epoch milliseconds. */
  at: number
  /** It held for `approval-needed` and for nothing else. */
  forApprovalOnly: boolean
}

/** A request that held may run again for this long after its first delivery. */
export const ASK_AGAIN_MS = 15 * 60_000

/** Until when a request that held may run again, epoch milliseconds. */
export function repeatableUntil(
  { at, forApprovalOnly }: EarlierDelivery,
  { approval }: Pick<Policy, "approval">,
): number {
  const expiresMs = forApprovalOnly && approval ? approval.expires : 0
  return at + Math.max(ASK_AGAIN_MS, expiresMs)
}

/** When an OK closed the alarm's episode, epoch milliseconds; with too many to tell apart, when the last of those was. */
export function closedAtOf(
  { episode }: AlarmSignal,
  { episodes, episodesClosedAt = -Infinity }: Pick<SupernodeState, "episodes" | "episodesClosedAt">,
): number | null {
  const closedAt = Math.max(getOwn(episodes, episode.key)?.closedAt ?? -Infinity, episodesClosedAt)
  return Number.isFinite(closedAt) ? closedAt : null
}
