/** Sources without data in consecutive ticks, by name. */
export type Blindness = Record<string, BlindSource>

export interface BlindSource {
  /** Scheduled time of the first tick without data, epoch milliseconds. */
  since: number
  /** The newest counted tick: a tick that is delivered twice counts once. */
  tickAt: number
  /** Ticks in a row, at most `BLIND_TICKS`: at that number operators are notified, and counting stops. */
  ticks: number
  /** Reason for the missing data, at the newest counted tick. */
  why: string
}

/** Ticks in a row after which a source counts as blind. */
export const BLIND_TICKS = 3

/** Sources that one tick queried; `problem` is null for a source that returned data. */
export type SourceLook = Record<string, string | null>

/**
 * Counts one more tick. Returns the same object if nothing changes; a source that was not queried keeps its
 * count.
 */
export function countBlindTick(before: Blindness, look: SourceLook, tickAt: number): Blindness {
  const after = { ...before }
  let changes = 0
  for (const [source, problem] of Object.entries(look)) {
    const known = Object.hasOwn(before, source) ? before[source] : undefined
    if (problem === null) {
      if (known) changes++
      delete after[source]
    } else if (!known || (known.ticks < BLIND_TICKS && tickAt > known.tickAt)) {
      after[source] = {
        since: known?.since ?? tickAt,
        tickAt,
        ticks: (known?.ticks ?? 0) + 1,
        why: problem,
      }
      changes++
    }
  }
  return changes > 0 ? after : before
}
