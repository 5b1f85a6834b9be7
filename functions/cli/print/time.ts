import { formatDistanceStrict } from "date-fns/formatDistanceStrict"
import type { LoadedPolicy } from "../../../lib/decision/policy/loaded-policy.ts"
import { sayInstant } from "../../../lib/decision/schedule/schedule.ts"
import { sayTime } from "../../../lib/decision/verdict.ts"

// Times for people are in the policy's zone with its offset. JSON, logs and everything that is recorded or signed are in UTC.

/** Zone of times where no policy can be read. */
export const FALLBACK_ZONE = "UTC"

/** What a time is shown by: the present, epoch milliseconds, and an IANA zone. */
export interface Timeframe {
  now: number
  zone: string
}

/** All supernodes of a policy file have one zone. */
export function zoneOf(supernodes: readonly LoadedPolicy[]): string {
  return supernodes[0]?.policy.timezone ?? FALLBACK_ZONE
}

/** `2026-01-31 18:00:00 +08:00`. */
export function instantOf(at: number, zone: string): string {
  return sayInstant(at, zone)
}

/** `2026-01-31 18:00:00 +08:00, in 23 minutes`. */
export function when(at: number, { now, zone }: Timeframe): string {
  return `${sayInstant(at, zone)}, ${formatDistanceStrict(at, now, { addSuffix: true })}`
}

/** As gates and hints write instants: UTC with milliseconds. Foreign text rarely has this form; there it is the same instant. */
const RECORDED_INSTANT = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g

/** A recorded text with its instants in the zone; the ledger keeps them in UTC. */
export function inZone(text: string, zone: string): string {
  return text.replace(RECORDED_INSTANT, (written) => {
    const at = Date.parse(written)
    return Number.isNaN(at) ? written : sayInstant(at, zone)
  })
}

/** The same in UTC, as recorded: for texts that are JSON too. `inZone` shows them to people. */
export function whenInUtc(at: number, now: number): string {
  return `${sayTime(at)}, ${formatDistanceStrict(at, now, { addSuffix: true })}`
}
