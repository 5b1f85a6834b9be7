import { formatDistanceStrict } from "date-fns/formatDistanceStrict"
import type { LoadedPolicy } from "../../../lib/decision/policy/loaded-policy.ts"
import { sayInstant } from "../../../lib/decision/schedule/schedule.ts"
import { sayTime } from "../../../lib/decision/verdict.ts"

// Times for people are in the policy's zone with its offset. JSON, logs, and all recorded or signed texts are
// in UTC.

/** Zone of times if no policy can be read. */
export const FALLBACK_ZONE = "UTC"

/** Present time (epoch milliseconds) and IANA zone that are needed to show a time. */
export interface Timeframe {
  now: number
  zone: string
}

/** Zone of a policy file; all its supernodes have the same. */
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

/**
 * Form in which gates and hints write times: UTC with milliseconds. Foreign text rarely has this form; it
 * then means the same time.
 */
const RECORDED_INSTANT = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g

/** Converts the times in a recorded text to the zone. The ledger keeps them in UTC. */
export function inZone(text: string, zone: string): string {
  return text.replace(RECORDED_INSTANT, (written) => {
    const at = Date.parse(written)
    return Number.isNaN(at) ? written : sayInstant(at, zone)
  })
}

/**
 * Like `when`, but in UTC, as it is recorded: for texts that are also part of JSON. `inZone` converts it for
 * people.
 */
export function whenInUtc(at: number, now: number): string {
  return `${sayTime(at)}, ${formatDistanceStrict(at, now, { addSuffix: true })}`
}
