import type { Datapoint } from "./signal.ts"

/** One series of a metric. `server` is the server's id, or null where the series speaks for the whole supernode. */
export interface Series {
  server: string | null
  points: Datapoint[]
}

/** What the meters said for one rule. What could not be fetched is missing, never zero. */
export interface Reading {
  rule: string
  /** The period the points are of; null where the source does not say (an alert with a bare value). */
  periodMs: number | null
  series: Series[]
  /** Why there is nothing, or less than asked for, in a sentence; null when all is well. */
  problem: string | null
  /** The source answered 401 or 403: sending again will not help until somebody mends the keys. */
  credentials?: true
  /** The meter was not asked, or could not make sense of the question, or we of its answer: that is no silence of it. */
  unasked?: true
}

/**
 * The starts of the N newest periods, newest first: aligned to the epoch, the newest one ended at least `lagMs` before
 * `now`. Both the fetching and the judging of a metric count periods with this.
 */
export function newestPeriods({ now, periodMs, lagMs, count }: PeriodWindow): number[] {
  const newestStart = Math.floor((now - lagMs) / periodMs) * periodMs - periodMs
  return Array.from({ length: count }, (_, back) => newestStart - back * periodMs)
}

export interface PeriodWindow {
  now: number
  periodMs: number
  lagMs: number
  count: number
}
