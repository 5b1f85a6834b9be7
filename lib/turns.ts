interface Waiting {
  go(): void
  fail(cause: unknown): void
}

/**
 * Turns at something that takes only so many questions at a time. The time limits of a question begin with its turn, so that
 * a fleet whose supernodes ask at the same time only waits.
 */
export class Turns {
  readonly #limit: number
  #running = 0
  #waiting: Waiting[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Rejects as `work` does, and with the cause of `failWaiting`: then `work` was not called. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limit) this.#running += 1
    // A turn that ends is handed on, so that nothing that comes later slips in between.
    else await new Promise<void>((go, fail) => this.#waiting.push({ go, fail }))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next.go()
      else this.#running -= 1
    }
  }

  /** For those who wait when a question finds that nothing answers: nothing of theirs was sent. */
  failWaiting(cause: unknown): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const { fail } of waiting) fail(cause)
  }
}
