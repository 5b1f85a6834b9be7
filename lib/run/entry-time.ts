import { CLOCK_TOLERANCE_MS, earliestNow } from "../decision/inputs/clock.ts"
import type { Situation } from "../decision/situation.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import type { Clock, Read } from "../ports.ts"

/** Now, after that entry: up to a minute its clock may be right and ours behind, and then its time is used. */
export function nowAfter(head: LedgerEntry | undefined, clock: Clock): number {
  const now = clock.now()
  const headAt = head?.at ?? now
  return headAt > now && headAt - now <= CLOCK_TOLERANCE_MS ? headAt : now
}

/** When an entry is dated: never before the one it follows, and by no clock that runs ahead of another. */
export function stampOf(situation: Situation): number {
  return Math.max(earliestNow(situation), situation.headAt ?? 0)
}

/** The situation with the time that one more answer of the cloud named, if any: the worst skew and the earliest time count. */
export function withTimeOf(situation: Situation, { skewMs, date }: Read<unknown>): Situation {
  const { cloudSkewMs, cloudDate } = situation
  return {
    ...situation,
    cloudSkewMs: worse(cloudSkewMs, skewMs ?? null),
    cloudDate: earlier(cloudDate ?? null, date ?? null),
  }
}

function worse(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other
  return Math.abs(other) > Math.abs(one) ? other : one
}

function earlier(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other)
}
