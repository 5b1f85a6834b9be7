/** Tolerance between two clocks, milliseconds. Beyond it their times cannot be compared. */
export const CLOCK_TOLERANCE_MS = 60_000

/** Our clock and the cloud's, as one run read them. */
export interface Clocks {
  now: number
  /**
   * The cloud's clock (`Date` header) minus ours, milliseconds: the largest difference of the run; null if no
   * answer named a time.
   */
  cloudSkewMs: number | null
  /** The earliest `Date` of the run, epoch milliseconds; null or missing if no response had one. */
  cloudDate?: number | null
}

/** True if the cloud named a time and ours is within the tolerance of it. */
export function clocksAgree({ cloudSkewMs }: Pick<Clocks, "cloudSkewMs">): boolean {
  return cloudSkewMs !== null && Math.abs(cloudSkewMs) <= CLOCK_TOLERANCE_MS
}

/**
 * The cloud's time if this run confirmed it: the cloud named it, and our own clock agrees. Else null. One
 * wrong clock, ours or the cloud's, confirms nothing.
 */
export function confirmedTime(clocks: Clocks): number | null {
  return clocksAgree(clocks) ? (clocks.cloudDate ?? null) : null
}

/** The earlier of both clocks if they disagree: for ends, so that no wrong clock ends something early. */
export function earliestNow({ now, cloudSkewMs }: Clocks): number {
  return now + Math.min(0, disagreementMs(cloudSkewMs))
}

/** The later of both clocks if they disagree: for starts of waits, so that no wrong clock shortens one. */
export function latestNow({ now, cloudSkewMs }: Clocks): number {
  return now + Math.max(0, disagreementMs(cloudSkewMs))
}

/** Within the tolerance this is our own clock. */
function disagreementMs(cloudSkewMs: number | null): number {
  return cloudSkewMs === null || clocksAgree({ cloudSkewMs }) ? 0 : cloudSkewMs
}
