import type { Datapoint } from "./signal.ts"

/** One series of a metric. `server` is the server's id, or null if the series covers the whole supernode. */
export interface Series {
  server: string | null
  points: Datapoint[]
}

/** Metric data for one rule. Data that could not be fetched is missing, never zero. */
export interface Reading {
  rule: string
  /** Period of the points; null if the source does not report it (an alert with a bare value). */
  periodMs: number | null
  series: Series[]
  /** Reason why data is missing or incomplete, in a sentence; null if it is complete. */
  problem: string | null
  /** True if the source responded with 401 or 403. Another try does not help until the keys are corrected. */
  credentials?: true
  /**
   * Set if the source was not queried, or if the query or its response was unreadable. Then missing data does not
   * mean that the meter is silent.
   */
  unasked?: true
}

/** Readings by rule. If a rule has several, the first one counts. */
export function byRule<T extends { rule: string }>(all: readonly T[]): Map<string, T> {
  const found = new Map<string, T>()
  for (const one of all) if (!found.has(one.rule)) found.set(one.rule, one)
  return found
}

/**
 * Starts of the N newest periods, newest first: aligned to the epoch, the newest one ended at least `lagMs`
 * before `now`. Both the fetching and the evaluation of a metric count periods with this.
 */
export function newestPeriods({ now, periodMs, lagMs, count }: PeriodWindow): number[] {
  const newestStart = Math.floor((now - lagMs) / periodMs) * periodMs - periodMs
  const starts: number[] = []
  for (let back = 0; back < count; back++) starts.push(newestStart - back * periodMs)
  return starts
}

export interface PeriodWindow {
  now: number
  periodMs: number
  lagMs: number
  count: number
}
