import type { After } from "../../ports.ts"
import type { Requests, SeriesAnswer, Want } from "./requests.ts"

// The supernodes of one chunk ask one meter together, in two phases.
//
//   join, join, join     a supernode joins when its run is about to start
//   ask ───┐             phase one: each says what it wants once its own reads are done, or leaves
//   leave ─┼─▶ send      phase two: one set of requests, once all have spoken or those that are ready have waited enough
//   ask ───┘
//   ask ─────▶ send      a late supernode asks alone, or with others that are as late, for what was not requested yet

/** From the first supernode that is ready. A late one costs one request more, a wait costs all others their time. */
const MAX_WAIT_MS = 300
/** From the newest one that is ready: if none follows it, those that are missing hang. */
const MAX_GAP_MS = 50

/** One supernode's part in a batch. */
export interface BatchMember<Series, Answer> {
  /** For each want, all answers about its periods. A second question waits for no other supernode. Never rejects. */
  ask(wants: readonly Want<Series>[]): Promise<SeriesAnswer<Answer>[][]>
  /** It asks nothing, or nothing more: no other supernode waits for it. May be repeated. */
  leave(): void
}

interface Ready<Series, Answer> {
  wants: readonly Want<Series>[]
  resolve(answers: Promise<SeriesAnswer<Answer>[][]>): void
}

export class Batch<Series, Answer> {
  readonly #requests: Requests<Series, Answer>
  readonly #after: After
  #ready: Ready<Series, Answer>[] = []
  #awaited = 0
  #isSent = false
  readonly #timers = { wait: (): void => undefined, gap: (): void => undefined }

  constructor(requests: Requests<Series, Answer>, after: After) {
    this.#requests = requests
    this.#after = after
  }

  /** Requests have left: a supernode that joins now would be late. */
  get isSent(): boolean {
    return this.#isSent
  }

  join(): BatchMember<Series, Answer> {
    this.#awaited += 1
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
    const send = (): void => this.#send()
    if (this.#ready.length === 1) this.#timers.wait = this.#after(MAX_WAIT_MS, send)
    this.#timers.gap()
    this.#timers.gap = this.#after(MAX_GAP_MS, send)
  }

  #send(): void {
    this.#timers.wait()
    this.#timers.gap()
    const ready = this.#ready
    this.#ready = []
    if (ready.length > 0) this.#sendOf(ready)
  }

  #sendOf(ready: readonly Ready<Series, Answer>[]): void {
    this.#isSent = true
    this.#requests.send(ready.flatMap(({ wants }) => wants))
    for (const { wants, resolve } of ready) resolve(this.#requests.answersTo(wants))
  }
}
