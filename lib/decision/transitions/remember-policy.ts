import { CLOCK_TOLERANCE_MS } from "../inputs/clock.ts"
import { afterChange } from "../pacing/policy-conflict.ts"
import { getOwn } from "../state/get-own.ts"
import type { SupernodeState } from "../state/state.ts"
import type { ChainEvent } from "./ledger-event.ts"

/**
 * Number of policies that are found again by their hash. A policy that returns after more than this many other
 * policies is written in full again.
 */
const MAX_POLICIES = 8

/**
 * Records the policy hash of the newest entry: its first time, the entry with its full text, and its changes.
 */
export function rememberPolicy(state: SupernodeState, event: ChainEvent): SupernodeState {
  const { policyHash, policy, seq, at, confirmedAt = null } = event
  if (policyHash === undefined) return state
  const { policies = {}, policySeen } = state
  const isNew = policy !== undefined && getOwn(policies, policyHash) === undefined
  const named = isNew ? { ...state, policies: withPolicy(policies, policyHash, seq) } : state
  const isSame = policySeen?.hash === policyHash
  // An entry written by a slow clock would arm the policy too early. An entry after one
  // with a fast clock inherits that late time, and would arm the policy too late.
  const isConfirmed = confirmedAt !== null && Math.abs(confirmedAt - at) <= CLOCK_TOLERANCE_MS
  if (isSame && !(policySeen.unconfirmed && isConfirmed)) return named
  const since = Math.max(at, confirmedAt ?? at)
  const unconfirmed = isConfirmed ? {} : { unconfirmed: true as const }
  const next = { ...named, policySeen: { hash: policyHash, since, ...unconfirmed } }
  if (isSame || !policySeen) return next
  return { ...next, policyChanges: afterChange(state, policySeen, { hash: policyHash, at }) }
}

function withPolicy(policies: Record<string, number>, hash: string, seq: number): Record<string, number> {
  const all = Object.entries({ ...policies, [hash]: seq }).sort(([, one], [, other]) => one - other)
  return Object.fromEntries(all.slice(-MAX_POLICIES))
}
