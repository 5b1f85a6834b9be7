import { randomUUID } from "node:crypto"
import { type App, type Invocation, type Ran, RunsFailed } from "../app/app.ts"
import type { RunFacts } from "../app/run-facts.ts"
import type { Signal } from "../decision/inputs/signal.ts"
import type { Clock } from "../ports.ts"
import { type Admission, AdmissionQueue, type TurnstileLimits } from "./admission-queue.ts"
import type { Deadline } from "./deadline.ts"
import type { Emit } from "./event.ts"

/** The name of its ticks: with the scheduled time it is their identity, the same in every process that serves one ledger. */
const TICK_NAME = "serve"

export interface RunsParts {
  app: App
  clock: Clock
  deadline: Deadline
  limits: TurnstileLimits
  tell: Emit
  /** `i/n`: ticks are for this share of the supernodes; left out: for all. */
  shard?: string
  /** Each run that ended, before its result is reported. */
  record(facts: RunFacts): void
  /** A tick that ended: with all its runs, and the error where it failed. */
  ticked(tick: EndedTick): void
}

export interface EndedTick {
  /** The time that it was meant for, epoch milliseconds. */
  at: number
  facts: readonly RunFacts[]
  error?: unknown
}

/** Everything that runs in this process: a bounded number of alarms, and one tick that waits for none of them. */
export class Runs {
  readonly #parts: RunsParts
  readonly #turnstile: AdmissionQueue
  readonly #underWay = new Set<Promise<unknown>>()
  lastTick: { at: number; isOk: boolean } | null = null

  constructor(parts: RunsParts) {
    this.#parts = parts
    this.#turnstile = new AdmissionQueue(parts.limits)
  }

  /** Runs of alarms, and ticks, that are under way. */
  get running(): number {
    return this.#underWay.size
  }

  get waiting(): number {
    return this.#turnstile.waiting
  }

  /** Alarms past their door. `done` rejects as `App.runSignals` does, and with DroppedError. */
  admit(signals: Signal[], problems: readonly string[]): Admission<Ran> {
    return this.#turnstile.admit(() =>
      this.#counted(async () => {
        const ran = this.#parts.app.runSignals(signals, this.#invocation())
        return this.#told(ran, problems)
      }),
    )
  }

  /** The tick that was meant for `at`, through the very door of the functions' ticks. Never rejects. */
  async tick(at: number): Promise<void> {
    const { app, clock, tell, ticked, shard } = this.#parts
    const startedAt = clock.monotonic()
    const event = { kind: "tick", name: TICK_NAME, time: new Date(at).toISOString(), shard }
    // A fleet's results are logged one by one, so that they need not all be kept.
    const invocation: Invocation = {
      ...this.#invocation(),
      takeResult: (result) => tell({ kind: "result", result }),
    }
    const ended = await this.#counted(() =>
      this.#told(app.handle(event, "schedule", invocation), []).then(
        ({ facts }): EndedTick => ({ at, facts }),
        (error: unknown): EndedTick => {
          tell({ kind: "failed", what: `tick of ${event.time}`, error })
          return { at, facts: error instanceof RunsFailed ? error.facts : [], error }
        },
      ),
    )
    const isOk = ended.error === undefined
    this.lastTick = { at, isOk }
    ticked(ended)
    tell({ kind: "ticked", at, isOk, tookMs: clock.monotonic() - startedAt })
  }

  /** Sends waiting work away; resolves when all running work has ended. */
  async stop(): Promise<void> {
    this.#turnstile.close()
    // The end of one run may have started the report of another.
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

  /** One line per run, also of those that ended beside one that failed. */
  async #told(running: Promise<Ran>, problems: readonly string[]): Promise<Ran> {
    for (const says of problems) this.#parts.tell({ kind: "warning", says })
    try {
      const ran = await running
      this.#tellRuns(ran)
      return ran
    } catch (error) {
      if (error instanceof RunsFailed) this.#tellRuns(error)
      throw error
    }
  }

  #tellRuns({ results, warnings, facts }: Ran): void {
    const { tell, record } = this.#parts
    for (const one of facts) record(one)
    for (const result of results) tell({ kind: "result", result })
    for (const says of warnings) tell({ kind: "warning", says })
  }
}
