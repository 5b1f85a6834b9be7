import { sayDuration } from "../policy/amounts.ts"
import type { Situation } from "../situation.ts"
import type { PolicyChanges, SupernodeState } from "../state/state.ts"
import { sayTime } from "../verdict.ts"

// One supernode must have one policy file. If two files alternate, the looser limits of the two would apply.

const MINUTE_MS = 60_000
/** Three changes between the same two hashes within this time are a conflict (see the exception below). */
const WINDOW_MS = 60 * MINUTE_MS
/** Exception: all of them are as close together as the steps of one roll-out. */
const MIN_CONFLICT_MS = 15 * MINUTE_MS
const CHANGES = 3
/** A conflict ends after this much time with one file. */
const CALM_MS = 20 * MINUTE_MS
/** Wait of an automatic purchase after a policy hash was first written, if another hash was written recently. */
const NEW_MS = 5 * MINUTE_MS
/** Time within which another hash counts as recently written. */
const OTHER_MS = 15 * MINUTE_MS
const MAX_CHANGES = 8

interface Written {
  hash: string
  at: number
}

type Remembered = Pick<SupernodeState, "policyChanges" | "lastDecision">

/** Changes after a new policy hash was written. */
export function afterChange(
  state: Remembered,
  seen: NonNullable<SupernodeState["policySeen"]>,
  to: Written,
): PolicyChanges {
  const { policyChanges, lastDecision } = state
  const before = { hash: seen.hash, at: Math.max(seen.since, lastDecision?.at ?? 0) }
  const isReturn = policyChanges?.before.hash === to.hash
  const earlier = isReturn ? policyChanges.at.filter((at) => at >= to.at - WINDOW_MS) : []
  // The first change and the newest one count. If there are too many in between, the newest of those is dropped.
  const at = [...(earlier.length < MAX_CHANGES ? earlier : earlier.slice(0, -1)), to.at]
  const lasts = policyChanges?.isConflict === true && to.at - newest(policyChanges) < CALM_MS
  return { before, at, isConflict: lasts || alternates(at) }
}

function alternates(at: readonly number[]): boolean {
  const span = (at.at(-1) ?? 0) - (at[0] ?? 0)
  return at.length >= CHANGES && span >= MIN_CONFLICT_MS && span <= WINDOW_MS
}

function newest({ at }: PolicyChanges): number {
  return at.at(-1) ?? -Infinity
}

export interface PolicyConflict {
  says: string
  /** End of the conflict without a further change, epoch milliseconds. */
  until: number
  /** True: a `reset` ends the conflict. False: the file is new, and only time must pass. */
  isConflict: boolean
  hashes: readonly [string, string]
}

type Facts = Pick<Situation, "state" | "policyHash" | "now" | "signal">

/**
 * Reason why this policy file must not buy now: it alternates with another one, or another was in use a
 * moment ago. null: it may buy.
 */
export function policyConflict({ state, policyHash, now, signal }: Facts): PolicyConflict | null {
  const { policySeen } = state
  if (!policySeen) return null
  // A change of hash counts from the first run with the new hash, even before that run is recorded.
  const isChange = policySeen.hash !== policyHash
  const changes = isChange
    ? afterChange(state, policySeen, { hash: policyHash, at: now })
    : state.policyChanges
  if (!changes) return null
  const hashes = [changes.before.hash, policyHash] as const
  const changedAt = newest(changes)
  if (changes.isConflict && now - changedAt < CALM_MS) {
    const says = `two policy files alternate for this supernode: ${hashes.join(" and ")}; the last change was at ${sayTime(changedAt)}. Use one file: purchases resume after it has been in use for ${sayDuration(CALM_MS)}`
    return { says, until: changedAt + CALM_MS, isConflict: true, hashes }
  }
  if (signal.kind === "request" || now - changedAt >= NEW_MS || now - changes.before.at > OTHER_MS)
    return null
  const says = `the policy changed to ${hashes[1]} at ${sayTime(changedAt)}, and policy ${hashes[0]} was still in use at ${sayTime(changes.before.at)}. In case both files are in use, alarms and ticks do not buy for ${sayDuration(NEW_MS)}`
  return { says, until: changedAt + NEW_MS, isConflict: false, hashes }
}
