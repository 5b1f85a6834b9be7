interface Waiting {
  go(): void
  fail(cause: unknown): void
}

/**
 * Limits how many requests run at the same time. A request's time limits begin with its turn, so they do not
 * include the wait if a whole fleet sends requests at once.
 */
export class Turns {
  readonly #limit: number
  #running = 0
  #waiting: Waiting[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Runs `work` in its turn. Rejects as `work` does, or with `failWaiting`'s cause if `work` never ran. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limit) this.#running += 1
    // A finished turn passes to the longest-waiting request, so a later request cannot overtake it.
    else await new Promise<void>((go, fail) => this.#waiting.push({ go, fail }))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next.go()
      else this.#running -= 1
    }
  }

  /** Rejects all waiting requests, after a request found the other side silent. None of them was sent. */
  failWaiting(cause: unknown): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const { fail } of waiting) fail(cause)
  }
}
