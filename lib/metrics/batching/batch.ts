import type { After, Clock } from "../../ports.ts"
import type { Requests, SeriesAnswer, Want } from "./requests.ts"

// The supernodes of one chunk query one meter together, in two phases.
//
//   join, join, join     a supernode joins when its run is about to start
//   ask ───┐             phase one: each one asks once its own reads are done, or leaves
//   leave ─┼─▶ send      phase two: one set of requests, when all have asked or left, or after a limited wait
//   ask ───┘
//   ask ─────▶ send      a late supernode requests missing periods alone, or with others that are as late

/** Maximum wait after the first `ask`. A late supernode costs one more request; a wait delays all others. */
const MAX_WAIT_MS = 300
/**
 * Wait after the newest `ask`, as a multiple of the longest pause so far. A pause is the time between two asks;
 * the first one is from the first `join` to the first `ask`, so it is the time that reads take now. Reads of
 * many supernodes end in waves, and the next wave shares the request if it is not much further away. If no
 * `ask` follows, the remaining supernodes probably hang.
 */
const WAIT_PER_PAUSE = 1.5
/** Longer than most pauses of a busy event loop. */
const MIN_WAIT_AFTER_NEWEST_MS = 20
/** Waves that are further apart send requests of their own. */
const MAX_WAIT_AFTER_NEWEST_MS = 50

/** One supernode's part in a batch. */
export interface BatchMember<Series, Data> {
  /** All answers about the periods of each want. A second call does not wait for others. Never rejects. */
  ask(wants: readonly Want<Series>[]): Promise<SeriesAnswer<Data>[][]>
  /** No other supernode waits for this one any longer. May be called repeatedly. */
  leave(): void
}

interface Ready<Series, Data> {
  wants: readonly Want<Series>[]
  resolve(answers: Promise<SeriesAnswer<Data>[][]>): void
}

/** Timers and the clock that measures pauses. */
export interface BatchTime {
  after: After
  monotonic: Clock["monotonic"]
}

export class Batch<Series, Data> {
  readonly #requests: Requests<Series, Data>
  readonly #time: BatchTime
  #ready: Ready<Series, Data>[] = []
  #awaited = 0
  #isSent = false
  #pauseBeganAt: number | null = null
  #longestPauseMs = 0
  readonly #timers = { wait: (): void => undefined, gap: (): void => undefined }

  constructor(requests: Requests<Series, Data>, time: BatchTime) {
    this.#requests = requests
    this.#time = time
  }

  /** True once requests were sent: a supernode that joins now would be late. */
  get isSent(): boolean {
    return this.#isSent
  }

  join(): BatchMember<Series, Data> {
    this.#awaited += 1
    this.#pauseBeganAt ??= this.#time.monotonic()
    let isAwaited = true
    const leave = (): void => {
      if (!isAwaited) return
      isAwaited = false
      this.#awaited -= 1
      if (this.#awaited === 0) this.#send()
    }
    return {
      leave,
      ask: (wants) =>
        new Promise((resolve) => {
          const one = { wants, resolve }
          if (!isAwaited) return this.#sendOf([one])
          this.#ready.push(one)
          leave()
          if (this.#awaited > 0) this.#wait()
        }),
    }
  }

  #wait(): void {
    const { after } = this.#time
    const send = (): void => this.#send()
    if (this.#ready.length === 1) this.#timers.wait = after(MAX_WAIT_MS, send)
    this.#timers.gap()
    this.#timers.gap = after(this.#waitAfterNewestMs(), send)
  }

  #waitAfterNewestMs(): number {
    const now = this.#time.monotonic()
    this.#longestPauseMs = Math.max(this.#longestPauseMs, now - (this.#pauseBeganAt ?? now))
    this.#pauseBeganAt = now
    const wait = WAIT_PER_PAUSE * this.#longestPauseMs
    return Math.min(MAX_WAIT_AFTER_NEWEST_MS, Math.max(MIN_WAIT_AFTER_NEWEST_MS, wait))
  }

  #send(): void {
    this.#timers.wait()
    this.#timers.gap()
    const ready = this.#ready
    this.#ready = []
    if (ready.length > 0) this.#sendOf(ready)
  }

  #sendOf(ready: readonly Ready<Series, Data>[]): void {
    this.#isSent = true
    this.#requests.send(ready.flatMap(({ wants }) => wants))
    for (const { wants, resolve } of ready) resolve(this.#requests.answersTo(wants))
  }
}
