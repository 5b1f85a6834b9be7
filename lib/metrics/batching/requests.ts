import type { Read } from "../../ports.ts"
import type { ConcurrencyLimiter } from "./concurrency.ts"
import { periodRanges } from "./period-ranges.ts"

/** One series that a rule needs, at these period starts. */
export interface Want<Series> {
  series: Series
  starts: readonly number[]
}

/**
 * One series over consecutive periods; `oldest` and `newest` are the starts of the first and the last one.
 */
export interface PeriodRange<Series> {
  series: Series
  oldest: number
  newest: number
}

/** The answer about one range. Its value is `null` if the series is absent from the answer. */
export interface SeriesAnswer<Data> {
  oldest: number
  newest: number
  read: Read<Data | null>
}

/** Requests and limits of one kind of meter. */
export interface MeterKind<Series, Data> {
  periodMs(series: Series): number
  /** Equal for the same series with the same statistic and period. */
  keyOf(series: Series): string
  /** The host, project or region that answers. Concurrent requests are limited per place. */
  placeOf(series: Series): string
  /** Maximum number of periods in one range. */
  maxPeriods: number
  /** Groups these ranges into as few requests as possible, each within the meter's limits. */
  pack(ranges: readonly PeriodRange<Series>[]): PeriodRange<Series>[][]
  /** Sends one request. The answers have the order of the ranges. */
  ask(ranges: readonly PeriodRange<Series>[]): Promise<Read<(Data | null)[]>>
}

/** Maximum number of further requests to isolate a wrong query in a refused request. */
const MAX_SPLITS = 16

type Known<Series, Data> = PeriodRange<Series> & { answer: Promise<SeriesAnswer<Data>> }

/**
 * Requests to one meter for one chunk of supernodes. A period of a series that was requested for one
 * supernode is not requested again for another one, whatever the answer was.
 */
export class Requests<Series, Data> {
  readonly #kind: MeterKind<Series, Data>
  readonly #limited: ConcurrencyLimiter
  readonly #known = new Map<string, Known<Series, Data>[]>()

  constructor(kind: MeterKind<Series, Data>, limited: ConcurrencyLimiter) {
    this.#kind = kind
    this.#limited = limited
  }

  /**
   * Sends as few requests as possible for these wants, as soon as the limit of concurrent requests allows it.
   */
  send(wants: readonly Want<Series>[]): void {
    for (const ranges of this.#kind.pack(this.#unknown(wants))) {
      const answers = this.#answers(ranges, { left: MAX_SPLITS })
      for (const [i, range] of ranges.entries()) {
        const known = this.#known.get(this.#kind.keyOf(range.series)) ?? []
        const answer = answers.then((all) => all[i] ?? answerOf<Data>(range, LEFT_OUT))
        this.#known.set(this.#kind.keyOf(range.series), [...known, { ...range, answer }])
      }
    }
  }

  /** Returns all answers about the periods of each want, for requests already sent. Never rejects. */
  answersTo(wants: readonly Want<Series>[]): Promise<SeriesAnswer<Data>[][]> {
    return Promise.all(
      wants.map(({ series, starts }) => {
        const known = this.#known.get(this.#kind.keyOf(series)) ?? []
        const own = known.filter((range) => starts.some((start) => covers(range, start)))
        return Promise.all(own.map(({ answer }) => answer))
      }),
    )
  }

  /** The periods of these wants that were not requested yet, each series once. */
  #unknown(wants: readonly Want<Series>[]): PeriodRange<Series>[] {
    const distinct = new Map<string, { series: Series; starts: Set<number> }>()
    for (const { series, starts } of wants) {
      const key = this.#kind.keyOf(series)
      const entry = distinct.get(key) ?? { series, starts: new Set<number>() }
      const known = this.#known.get(key) ?? []
      for (const start of starts) if (!known.some((range) => covers(range, start))) entry.starts.add(start)
      distinct.set(key, entry)
    }
    return [...distinct.values()].flatMap(({ series, starts }) =>
      periodRanges(starts, this.#kind.periodMs(series), this.#kind.maxPeriods).map(([oldest, newest]) => ({
        series,
        oldest,
        newest,
      })),
    )
  }

  /** Sends a request. If it is refused, one query may be wrong, so each half is sent separately. */
  async #answers(
    ranges: readonly PeriodRange<Series>[],
    budget: { left: number },
  ): Promise<SeriesAnswer<Data>[]> {
    const [first] = ranges
    if (!first) return []
    const read = await this.#limited(this.#kind.placeOf(first.series), () => this.#kind.ask(ranges))
    if (read.ok)
      return ranges.map((range, i) =>
        answerOf(range, { ok: true, value: read.value[i] ?? null, skewMs: null }),
      )
    if (read.refused && ranges.length > 1 && budget.left >= 2) {
      budget.left -= 2
      const middle = Math.ceil(ranges.length / 2)
      const halves = [ranges.slice(0, middle), ranges.slice(middle)]
      return (await Promise.all(halves.map((half) => this.#answers(half, budget)))).flat()
    }
    return ranges.map((range) => answerOf(range, read))
  }
}

const LEFT_OUT = { ok: true, value: null, skewMs: null } as const

function answerOf<Data>(
  { oldest, newest }: PeriodRange<unknown>,
  read: Read<Data | null>,
): SeriesAnswer<Data> {
  return { oldest, newest, read }
}

function covers({ oldest, newest }: PeriodRange<unknown>, start: number): boolean {
  return oldest <= start && start <= newest
}
