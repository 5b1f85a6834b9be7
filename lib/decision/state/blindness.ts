/** Sources that tick after tick had no data, by name. */
export type Blindness = Record<string, BlindSource>

export interface BlindSource {
  /** The scheduled time of the first tick without data; epoch milliseconds. */
  since: number
  /** The newest tick that counted: a tick that is delivered twice counts once. */
  tickAt: number
  /** Ticks in a row, at most `BLIND_TICKS`: then people are notified, and nothing more is counted. */
  ticks: number
  /** Why there was no data, at the newest tick that counted. */
  why: string
}

/** From so many ticks in a row on, it is no hiccup. */
export const BLIND_TICKS = 3

/** The sources that one tick asked; `problem` is null for one that gave data. */
export type SourceLook = Record<string, string | null>

/** Counts one more tick. The same object where nothing changes; a source that was not asked stays as it was. */
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
