import { randomUUID } from "node:crypto"
import { type App, type Invocation, RunsFailed, type RunsResult } from "../app/app.ts"
import type { RunFacts } from "../app/run-facts.ts"
import type { Signal } from "../decision/inputs/signal.ts"
import type { Clock } from "../ports.ts"
import { type Admission, type AdmissionLimits, AdmissionQueue } from "./admission-queue.ts"
import type { Deadline } from "./deadline.ts"
import type { Emit } from "./event.ts"

/**
 * Name of the ticks. Name and scheduled time identify a tick, so they are the same in every process that
 * serves the same ledger.
 */
const TICK_NAME = "serve"

export interface RunsParts {
  app: App
  clock: Clock
  deadline: Deadline
  limits: AdmissionLimits
  emit: Emit
  /** `i/n`: the share of the supernodes that ticks cover. Defaults to all. */
  shard?: string
  /** Called for each ended run, before its result is reported. */
  record(facts: RunFacts): void
  /** Called for each ended tick, with all its runs, and with the error if it failed. */
  ticked(tick: EndedTick): void
}

export interface EndedTick {
  /** Scheduled time, epoch milliseconds. */
  at: number
  facts: readonly RunFacts[]
  error?: unknown
}

/** All work of this process: a limited number of alarms, and one tick, which does not wait for alarms. */
export class Runs {
  readonly #parts: RunsParts
  readonly #admissions: AdmissionQueue
  readonly #underWay = new Set<Promise<unknown>>()
  lastTick: { at: number; isOk: boolean } | null = null

  constructor(parts: RunsParts) {
    this.#parts = parts
    this.#admissions = new AdmissionQueue(parts.limits)
  }

  /** Number of running alarms and ticks. */
  get running(): number {
    return this.#underWay.size
  }

  get waiting(): number {
    return this.#admissions.waiting
  }

  /** Admits signals of verified alarms. `done` rejects as `App.runSignals` does, or with DroppedError. */
  admit(signals: Signal[], problems: readonly string[]): Admission<RunsResult> {
    return this.#admissions.admit(() =>
      this.#counted(async () => {
        const ran = this.#parts.app.runSignals(signals, this.#invocation())
        return this.#reported(ran, problems)
      }),
    )
  }

  /**
   * Runs the tick scheduled for `at`, through the same entry point as ticks of the functions. Never rejects.
   */
  async tick(at: number): Promise<void> {
    const { app, clock, emit, ticked, shard } = this.#parts
    const startedAt = clock.monotonic()
    const event = { kind: "tick", name: TICK_NAME, time: new Date(at).toISOString(), shard }
    // Results are logged one by one, so that those of a whole fleet need not be kept.
    const invocation: Invocation = {
      ...this.#invocation(),
      takeResult: (result) => emit({ kind: "result", result }),
    }
    const ended = await this.#counted(() =>
      this.#reported(app.handle(event, "schedule", invocation), []).then(
        ({ facts }): EndedTick => ({ at, facts }),
        (error: unknown): EndedTick => {
          emit({ kind: "failed", what: `tick of ${event.time}`, error })
          return { at, facts: error instanceof RunsFailed ? error.facts : [], error }
        },
      ),
    )
    const isOk = ended.error === undefined
    this.lastTick = { at, isOk }
    ticked(ended)
    emit({ kind: "ticked", at, isOk, tookMs: clock.monotonic() - startedAt })
  }

  /** Drops waiting work; resolves when all running work has ended. */
  async stop(): Promise<void> {
    this.#admissions.close()
    // Other work may have started while we waited.
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
  }

  #invocation(): Invocation {
    const { deadline } = this.#parts
    return { requestId: randomUUID(), remainingMs: () => deadline.remainingMs(), credentials: null }
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    const underWay = work()
    this.#underWay.add(underWay)
    try {
      return await underWay
    } finally {
      this.#underWay.delete(underWay)
    }
  }

  /** Reports each run, including those that ended although another one failed. */
  async #reported(running: Promise<RunsResult>, problems: readonly string[]): Promise<RunsResult> {
    for (const says of problems) this.#parts.emit({ kind: "warning", says })
    try {
      const ran = await running
      this.#tellRuns(ran)
      return ran
    } catch (error) {
      if (error instanceof RunsFailed) this.#tellRuns(error)
      throw error
    }
  }

  #tellRuns({ results, warnings, facts }: RunsResult): void {
    const { emit, record } = this.#parts
    for (const one of facts) record(one)
    for (const result of results) emit({ kind: "result", result })
    for (const says of warnings) emit({ kind: "warning", says })
  }
}
