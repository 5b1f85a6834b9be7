/** What was waiting for its turn will not get it: nothing was done. */
export class DroppedError extends Error {
  override readonly name = "DroppedError"
  constructor() {
    super("stopped while it waited for its turn; nothing was done")
  }
}

/** `done` rejects with `DroppedError` where the turnstile closed before the work began. */
export type Admission<T> =
  | { kind: "admitted"; done: Promise<T> }
  | { kind: "refused"; why: "full" | "closed" }

export interface TurnstileLimits {
  inside: number
  waiting: number
}

/** So many at once, so many waiting in order of arrival, and nobody else: what is refused at once can be sent again. */
export class AdmissionQueue {
  readonly #limits: TurnstileLimits
  readonly #waiting: { begin(): void; sendAway(): void }[] = []
  #inside = 0
  #isClosed = false

  constructor(limits: TurnstileLimits) {
    this.#limits = limits
  }

  get inside(): number {
    return this.#inside
  }

  get waiting(): number {
    return this.#waiting.length
  }

  admit<T>(work: () => Promise<T>): Admission<T> {
    if (this.#isClosed) return { kind: "refused", why: "closed" }
    if (this.#inside < this.#limits.inside) return { kind: "admitted", done: this.#run(work) }
    if (this.#waiting.length >= this.#limits.waiting) return { kind: "refused", why: "full" }
    const turn = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ begin: resolve, sendAway: () => reject(new DroppedError()) })
    })
    return { kind: "admitted", done: turn.then(() => this.#run(work, true)) }
  }

  /** Nobody enters any more, those who wait included; those inside finish. */
  close(): void {
    this.#isClosed = true
    for (const { sendAway } of this.#waiting.splice(0)) sendAway()
  }

  async #run<T>(work: () => Promise<T>, hasPlace = false): Promise<T> {
    if (!hasPlace) this.#inside += 1
    try {
      return await work()
    } finally {
      // The place goes from hand to hand: in between nobody who just arrived can take it.
      const next = this.#waiting.shift()
      if (next) next.begin()
      else this.#inside -= 1
    }
  }
}
