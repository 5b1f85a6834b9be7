import { CLOCK_TOLERANCE_MS } from "../decision/inputs/clock.ts"
import type { Situation } from "../decision/situation.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import type { Clock } from "../ports.ts"

/** Now, after that entry: up to a minute its clock may be right and ours behind, and then its time is used. */
export function nowAfter(head: LedgerEntry | undefined, clock: Clock): number {
  const now = clock.now()
  const headAt = head?.at ?? now
  return headAt > now && headAt - now <= CLOCK_TOLERANCE_MS ? headAt : now
}

/** When an entry is dated: never before the one it follows. */
export function stampOf(situation: Situation): number {
  return Math.max(timeOf(situation), situation.headAt ?? 0)
}

/** Now, by the cloud's clock where ours is known to be wrong. */
export function timeOf({ now, cloudSkewMs }: Situation): number {
  const isWrong = cloudSkewMs !== null && Math.abs(cloudSkewMs) > CLOCK_TOLERANCE_MS
  return isWrong ? now + cloudSkewMs : now
}
