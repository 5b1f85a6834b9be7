import { newestPeriods, type Reading } from "../decision/inputs/reading.ts"
import type { Datapoint } from "../decision/inputs/signal.ts"
import type { Policy, Rule } from "../decision/policy/policy.ts"
import { highIsBad, levelsOf } from "../decision/policy/threshold.ts"
import { readAlarm } from "../metrics/alarm.ts"
import type { MetricQuery } from "../ports.ts"
import type { LoadHistory } from "./load-file.ts"
import type { LoadSeries } from "./load-series.ts"

// Readings of a policy's meters while a load history is replayed.

/** `--elastic`: the history is the utilisation of `firstServers`, and more servers share the same demand. */
export interface Elasticity {
  firstServers: number
  /** Maximum value of the meter. A row at this value may hide a higher demand. */
  ceiling: number
  /** Number of servers that ran at that time of the replay. */
  runningAt(at: number): number
}

export interface HistoryMeterOptions {
  policy: Policy
  history: LoadHistory
  elasticity: Elasticity | null
}

const MINUTE_MS = 60_000

/** Rows that one or several rules read, with the values that their meter showed. */
export interface ShownMeter {
  rules: string[]
  /** Times of the first and last row, epoch milliseconds; without rows, those of the whole history. */
  from: number
  to: number
  count: number
  rows(): Iterable<{ at: number; value: number; durationMs: number }>
}

export class HistoryMeter {
  readonly #policy: Policy
  readonly #history: LoadHistory
  readonly #elasticity: Elasticity | null
  readonly #readers: readonly MeterReader[]

  constructor({ policy, history, elasticity }: HistoryMeterOptions) {
    this.#policy = policy
    this.#history = history
    this.#elasticity = elasticity
    this.#readers = policy.rules.map((rule) => readerOf(rule, (at, value) => this.#shown(rule, at, value)))
  }

  /** One reading per rule, with one series for the supernode as a whole. */
  read(query: MetricQuery): Reading[] {
    return this.#readers.map((reader, i) => {
      const rule = this.#policy.rules[i]
      const series = rule && seriesOf(this.#history, rule.name)
      if (!reader || !rule) return readAlarm(rule?.name ?? "", query)
      if (!series) return unread(rule, reader.periodMs)
      return {
        rule: rule.name,
        periodMs: reader.periodMs,
        series: [{ server: null, points: reader.points(series, query.now) }],
        problem: null,
      }
    })
  }

  /** Minutes beyond each rule's threshold, by rule name, as its meter showed the history in this replay. */
  minutesAbove(): Record<string, number> {
    const rows = this.#policy.rules.map((rule): [string, number] => {
      const series = rule.metric.alarm ? null : seriesOf(this.#history, rule.name)
      const level = levelsOf(rule)[0]
      const isAbove = (at: number, value: number) => level?.isReachedBy(this.#shown(rule, at, value)) === true
      return [rule.name, series ? minutesOf(series, isAbove) : 0]
    })
    return Object.fromEntries(rows)
  }

  /** Values that the rules' meters showed in this replay. Rules that read the same values share one meter. */
  shown(): ShownMeter[] {
    const meters = new Map<string, ShownMeter>()
    const known: (LoadSeries | null)[] = []
    for (const rule of this.#policy.rules) {
      const series = rule.metric.alarm ? null : seriesOf(this.#history, rule.name)
      if (!known.includes(series)) known.push(series)
      const isShared = series !== null
      const key = isShared
        ? `${known.indexOf(series)} ${this.#elasticity !== null && isSpread(rule)}`
        : rule.name
      const meter = meters.get(key)
      if (meter) meter.rules.push(rule.name)
      else meters.set(key, this.#shownMeter(rule, series))
    }
    return [...meters.values()]
  }

  #shownMeter(rule: Rule, series: LoadSeries | null): ShownMeter {
    const { from, to } = this.#history
    if (!series) return { rules: [rule.name], from, to, count: 0, rows: () => [] }
    const shown = (at: number, value: number) => this.#shown(rule, at, value)
    const rows = function* () {
      for (let row = 0; row < series.length; row++) {
        const at = series.timeAt(row)
        yield { at, value: shown(at, series.valueAt(row)), durationMs: series.durationOf(row) }
      }
    }
    return { rules: [rule.name], from: series.first, to: series.last, count: series.length, rows }
  }

  /** Minutes at the meter's ceiling, during which the demand is unknown; the maximum over all rules. */
  minutesUnknown(): number {
    const { ceiling } = this.#elasticity ?? {}
    if (ceiling === undefined) return 0
    const series = new Set(
      this.#policy.rules.filter(isSpread).map(({ name }) => seriesOf(this.#history, name)),
    )
    const minutes = [...series].map((one) => (one ? minutesOf(one, (_at, value) => value >= ceiling) : 0))
    return Math.max(0, ...minutes)
  }

  /** Value that the meter shows for a value of the history. */
  #shown(rule: Rule, at: number, value: number): number {
    if (!this.#elasticity || !isSpread(rule)) return value
    const { firstServers, runningAt } = this.#elasticity
    return (value * firstServers) / Math.max(1, runningAt(at))
  }
}

/** True if more servers lower this meter. A metric that breaches on low values is not a utilisation. */
export function isSpread(rule: Rule): boolean {
  return highIsBad(rule)
}

export function seriesOf(history: LoadHistory, rule: string): LoadSeries | null {
  return history.byRule.get(rule) ?? history.all
}

type MeterReader = {
  periodMs: number
  points(series: LoadSeries, now: number): Datapoint[]
} | null

/** Reader of a rule's meter; `null` for a rule on an alarm's own points, since a history has no alarms. */
function readerOf(rule: Rule, shown: (at: number, value: number) => number): MeterReader {
  const { "cloud-eye": cloudEye, cloudwatch, prometheus, lag } = rule.metric
  const periodMs = (cloudEye ?? cloudwatch ?? prometheus)?.period
  if (periodMs === undefined) return null
  const statistic = (cloudEye ?? cloudwatch)?.statistic ?? "average"
  const combine = statistic === "max" || statistic === "min" ? Math[statistic] : null
  // The value of an ended period no longer changes, and consecutive ticks share most of their periods.
  const known = new Map<number, number | null>()
  const valueIn = (series: LoadSeries, start: number): number | null => {
    const seen = known.get(start)
    if (seen !== undefined) return seen
    const value = periodValue(series, { start, end: start + periodMs, combine, shown })
    known.set(start, value)
    return value
  }
  return {
    periodMs,
    points(series, now) {
      const starts = newestPeriods({ now, periodMs, lagMs: lag, count: rule.points.n })
      if (known.size > 4 * rule.points.n)
        for (const at of known.keys()) if (at < (starts.at(-1) ?? 0)) known.delete(at)
      const points: Datapoint[] = []
      for (let i = starts.length - 1; i >= 0; i--) {
        const at = starts[i] ?? 0
        const value = valueIn(series, at)
        if (value !== null) points.push({ at, value })
      }
      return points
    },
  }
}

interface Period {
  start: number
  end: number
  /** Combines two values; `null` averages all values. */
  combine: ((a: number, b: number) => number) | null
  shown(at: number, value: number): number
}

/** Value of the rows that begin in the period, otherwise of a row that lasts into it; `null` without any. */
function periodValue(series: LoadSeries, { start, end, combine, shown }: Period): number | null {
  let [total, count] = [0, 0]
  let row = series.rowFrom(start)
  for (; row < series.length && series.timeAt(row) < end; row++) {
    const value = series.valueAt(row)
    if (Number.isNaN(value)) continue
    const here = shown(series.timeAt(row), value)
    total = count === 0 ? here : combine ? combine(total, here) : total + here
    count += 1
  }
  if (count > 0) return combine ? total : total / count
  const before = series.rowFrom(start) - 1
  if (before < 0 || row - 1 !== before) return null
  const value = series.valueAt(before)
  const lasts = series.timeAt(before) + series.durationOf(before) > start
  return lasts && !Number.isNaN(value) ? shown(start, value) : null
}

function minutesOf(series: LoadSeries, counts: (at: number, value: number) => boolean): number {
  let ms = 0
  for (let row = 0; row < series.length; row++)
    if (counts(series.timeAt(row), series.valueAt(row))) ms += series.durationOf(row)
  return Math.round((ms / MINUTE_MS) * 100) / 100
}

function unread(rule: Rule, periodMs: number): Reading {
  return { rule: rule.name, periodMs, series: [], problem: "the load history has no rows for this rule" }
}
