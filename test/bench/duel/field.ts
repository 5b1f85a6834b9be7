import { MINUTE, SECOND } from "../../decision/builders.ts"
import { type Bout, duel } from "./duel.ts"
import type { Pattern } from "./pattern.ts"
import { effectThenRecord } from "./patterns/effect-then-record.ts"
import { idempotentByEvent, idempotentByOrder } from "./patterns/idempotency-record.ts"
import { lease } from "./patterns/lease.ts"
import { naiveRetry } from "./patterns/naive-retry.ts"
import { SCRIPTS } from "./scripts.ts"

export const REFERENCES: readonly Pattern[] = [
  naiveRetry,
  idempotentByEvent,
  idempotentByOrder,
  effectThenRecord,
  lease,
]

/** New servers are listed as soon as the order is accepted: the best case for patterns that look first. */
export const LISTED_AT_ONCE_MS = 0
/** New servers are listed after the first redelivery, long before the next cron tick. */
export const LISTED_SLOWLY_MS = 90 * SECOND
/** New servers are listed later than the next cron tick. */
export const LISTED_LATE_MS = 15 * MINUTE

/** Plays all scripts for one pattern, in their order. */
export async function playAll(pattern: Pattern, listedAfterMs: number): Promise<Bout[]> {
  const bouts: Bout[] = []
  for (const script of SCRIPTS) bouts.push(await duel(pattern, script, listedAfterMs))
  return bouts
}

export interface Sums {
  extra: number
  missing: number
}

export function sumsOf(bouts: readonly Bout[]): Sums {
  return {
    extra: bouts.reduce((sum, { purchases }) => sum + Math.max(0, purchases - 1), 0),
    missing: bouts.filter(({ purchases }) => purchases === 0).length,
  }
}
