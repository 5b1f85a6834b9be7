import type { Read } from "../../ports.ts"
import { type ConcurrencyLimiter, gateOf } from "./concurrency.ts"
import { periodRanges } from "./period-runs.ts"

// What the supernodes of one event want of one kind of meter, asked for in as few requests as its limits allow.
//
//   join, join, join        every supernode of the event takes a seat before the first one runs
//   collect ─┐              each brings its wants when it gets there, or passes
//   collect ─┼─▶ flush      all are there, or the patience is over: the wants become stretches, and those become requests
//   pass    ─┘
//
// What was asked once in an event is not asked again, whoever wants it and whatever came of it. Nothing is shared between
// events: what the meters say now is what the next event is for.

/** Everything a source wants to know of one series: at these period starts. */
export interface Want<Series> {
  series: Series
  starts: readonly number[]
}

/** One series over an unbroken run of periods: starts of the first and the last one. */
export interface PeriodRange<Series> {
  series: Series
  oldest: number
  newest: number
}

/** What came of one stretch; the value is null where the answer left the series out. */
export interface SeriesAnswer<Answer> {
  oldest: number
  newest: number
  read: Read<Answer | null>
}

/** How one kind of meter is asked. */
export interface MeterKind<Series, Answer> {
  periodMs(series: Series): number
  /** Equal for the same series by the same statistic and period. */
  keyOf(series: Series): string
  /** Who answers: requests to one place are bounded together. */
  placeOf(series: Series): string
  /** The longest stretch of one request. */
  maxPeriods: number
  /** The fewest requests that ask for all these, each within the meter's limits. */
  pack(asked: readonly PeriodRange<Series>[]): PeriodRange<Series>[][]
  /** One request. Its answers in the order asked. */
  ask(together: readonly PeriodRange<Series>[]): Promise<Read<(Answer | null)[]>>
}

export interface BatchOptions {
  /** Requests under way at one place. */
  limit?: number
  /** How long those who are there wait for the next one to come, milliseconds; left out: by how fast the first ones came. */
  patienceMs?: number
}

const LIMIT = 4
/** Where nobody comes for longer than the first one took, and a little more, those who are missing hang. */
const PATIENCE_FACTOR = 1.2
const MIN_PATIENCE_MS = 50
const MAX_PATIENCE_MS = 2_000
/** Further requests that may be spent on finding the one wrong question in a request that was refused. */
const SPLITS = 16

interface Pending<Series, Answer> {
  wants: readonly Want<Series>[]
  resolve(told: Promise<SeriesAnswer<Answer>[][]>): void
}

/** The wants of one event for one kind of meter. */
export class Batch<Series, Answer> {
  private readonly gate: ConcurrencyLimiter
  private readonly known = new Map<
    string,
    (PeriodRange<Series> & { told: Promise<SeriesAnswer<Answer>> })[]
  >()
  private pending: Pending<Series, Answer>[] = []
  private awaited = 0
  private patience: NodeJS.Timeout | undefined
  private turn: NodeJS.Immediate | undefined
  /** By a clock that never jumps. */
  private joinedAt: number | undefined
  private firstCameMs: number | undefined

  constructor(
    private readonly kind: MeterKind<Series, Answer>,
    private readonly options: BatchOptions = {},
  ) {
    this.gate = gateOf(options.limit ?? LIMIT)
  }

  /** Somebody will collect or pass: the others wait for him, a little. */
  join(): void {
    this.joinedAt ??= performance.now()
    this.awaited += 1
  }

  /** Somebody who joined wants nothing. */
  pass(): void {
    this.awaited -= 1
    this.schedule()
  }

  /** For each want, all that was told of its periods. Never rejects. `isAwaited`: by one who joined and did not pass. */
  collect(wants: readonly Want<Series>[], isAwaited: boolean): Promise<SeriesAnswer<Answer>[][]> {
    if (isAwaited) this.awaited -= 1
    return new Promise((resolve) => {
      this.pending.push({ wants, resolve })
      this.schedule()
    })
  }

  private schedule(): void {
    this.firstCameMs ??= performance.now() - (this.joinedAt ?? performance.now())
    if (this.pending.length === 0) return
    clearTimeout(this.patience)
    clearImmediate(this.turn)
    // The end of the turn: whoever asks in it, too, is taken along.
    if (this.awaited <= 0) this.turn = setImmediate(() => this.flush())
    // After a busy time the timer may be over while others have come already: they are heard first.
    else
      this.patience = setTimeout(() => {
        this.turn = setImmediate(() => this.flush())
      }, this.patienceMs(this.firstCameMs))
  }

  /** How long after the last one came. */
  private patienceMs(firstCameMs: number): number {
    const usual = Math.min(MAX_PATIENCE_MS, Math.max(MIN_PATIENCE_MS, PATIENCE_FACTOR * firstCameMs))
    return this.options.patienceMs ?? usual
  }

  private flush(): void {
    clearTimeout(this.patience)
    clearImmediate(this.turn)
    this.patience = undefined
    this.turn = undefined
    const pending = this.pending
    this.pending = []
    const asked = this.news(pending.flatMap(({ wants }) => wants))
    for (const together of this.kind.pack(asked)) this.send(together)
    for (const { wants, resolve } of pending) {
      resolve(Promise.all(wants.map((want) => Promise.all(this.toldOf(want)))))
    }
  }

  /** What of these wants nobody has asked for yet, each series once. */
  private news(wants: readonly Want<Series>[]): PeriodRange<Series>[] {
    const distinct = new Map<string, { series: Series; starts: Set<number> }>()
    for (const { series, starts } of wants) {
      const key = this.kind.keyOf(series)
      const entry = distinct.get(key) ?? { series, starts: new Set<number>() }
      const known = this.known.get(key) ?? []
      for (const start of starts) if (!known.some((one) => covers(one, start))) entry.starts.add(start)
      distinct.set(key, entry)
    }
    return [...distinct.values()].flatMap(({ series, starts }) =>
      periodRanges(starts, this.kind.periodMs(series), this.kind.maxPeriods).map(([oldest, newest]) => ({
        series,
        oldest,
        newest,
      })),
    )
  }

  private send(together: readonly PeriodRange<Series>[]): void {
    const answers = this.answers(together, { left: SPLITS })
    for (const [i, stretch] of together.entries()) {
      const key = this.kind.keyOf(stretch.series)
      const told = answers.then((all) => all[i] ?? leftOut(stretch))
      this.known.set(key, [...(this.known.get(key) ?? []), { ...stretch, told }])
    }
  }

  /** One wrong question makes a whole request refused: it is halved, and the others are not held up by it. */
  private async answers(
    together: readonly PeriodRange<Series>[],
    budget: { left: number },
  ): Promise<SeriesAnswer<Answer>[]> {
    const [first] = together
    if (!first) return []
    const read = await this.gate(this.kind.placeOf(first.series), () => this.kind.ask(together))
    if (read.ok)
      return together.map(({ oldest, newest }, i) => ({
        oldest,
        newest,
        read: { ok: true, value: read.value[i] ?? null, skewMs: null },
      }))
    if (read.refused && together.length > 1 && budget.left >= 2) {
      budget.left -= 2
      const middle = Math.ceil(together.length / 2)
      const halves = [together.slice(0, middle), together.slice(middle)]
      return (await Promise.all(halves.map((half) => this.answers(half, budget)))).flat()
    }
    return together.map(({ oldest, newest }) => ({ oldest, newest, read }))
  }

  private toldOf({ series, starts }: Want<Series>): Promise<SeriesAnswer<Answer>>[] {
    const known = this.known.get(this.kind.keyOf(series)) ?? []
    return known.filter((one) => starts.some((start) => covers(one, start))).map(({ told }) => told)
  }
}

function covers({ oldest, newest }: { oldest: number; newest: number }, start: number): boolean {
  return oldest <= start && start <= newest
}

function leftOut({ oldest, newest }: PeriodRange<unknown>): SeriesAnswer<never> {
  return { oldest, newest, read: { ok: true, value: null, skewMs: null } }
}
