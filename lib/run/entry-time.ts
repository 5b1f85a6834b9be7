import { CLOCK_TOLERANCE_MS, earliestNow } from "../decision/inputs/clock.ts"
import type { Situation } from "../decision/situation.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import type { Clock, Read } from "../ports.ts"

/** Our time now; the head's time if the head is up to a minute ahead, since our clock may be behind. */
export function nowAfter(head: LedgerEntry | undefined, clock: Clock): number {
  const now = clock.now()
  const headAt = head?.at ?? now
  return headAt > now && headAt - now <= CLOCK_TOLERANCE_MS ? headAt : now
}

/** The date of an entry: the earlier of our clock and the cloud's, but never before the previous entry. */
export function stampOf(situation: Situation): number {
  return Math.max(earliestNow(situation), situation.headAt ?? 0)
}

/** Adds the time of one more response of the cloud, if it has one. Keeps the largest skew and the earliest time. */
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
