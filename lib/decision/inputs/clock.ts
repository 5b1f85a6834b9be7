/** How far clocks may differ before times cannot be compared. */
export const CLOCK_TOLERANCE_MS = 60_000

/** Our clock and the cloud's, as one run saw them. */
export interface Clocks {
  now: number
  /** The cloud's clock (`Date` header) minus ours, milliseconds: the worst of the run; null where no answer named a time. */
  cloudSkewMs: number | null
  /** The earliest `Date` of the run, epoch milliseconds; null or missing where no answer named a time. */
  cloudDate?: number | null
}

/** Whether the cloud named a time and ours is within the tolerance of it. */
export function clocksAgree({ cloudSkewMs }: Pick<Clocks, "cloudSkewMs">): boolean {
  return cloudSkewMs !== null && Math.abs(cloudSkewMs) <= CLOCK_TOLERANCE_MS
}

/**
 * The cloud's time where this run confirmed it: the cloud named it, and our own clock agrees. Null otherwise. One wrong
 * clock, ours or the cloud's, confirms nothing.
 */
export function confirmedTime(clocks: Clocks): number | null {
  return clocksAgree(clocks) ? (clocks.cloudDate ?? null) : null
}

/** The earlier of both clocks where they disagree: for what ends by time, so that no wrong clock ends it early. */
export function earliestNow({ now, cloudSkewMs }: Clocks): number {
  return now + Math.min(0, disagreementMs(cloudSkewMs))
}

/** The later of both clocks where they disagree: for what starts a wait, so that no wrong clock shortens it. */
export function latestNow({ now, cloudSkewMs }: Clocks): number {
  return now + Math.max(0, disagreementMs(cloudSkewMs))
}

/** Within the tolerance our own clock is used. */
function disagreementMs(cloudSkewMs: number | null): number {
  return cloudSkewMs === null || clocksAgree({ cloudSkewMs }) ? 0 : cloudSkewMs
}
