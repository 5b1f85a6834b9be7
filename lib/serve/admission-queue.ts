/** Waiting work was dropped before it began. */
export class DroppedError extends Error {
  override readonly name = "DroppedError"
  constructor() {
    super("the process stopped before this work began; nothing was done")
  }
}

/** `done` rejects with `DroppedError` if the queue was closed before the work began. */
export type Admission<T> =
  | { kind: "admitted"; done: Promise<T> }
  | { kind: "refused"; why: "full" | "closed" }

export interface AdmissionLimits {
  inside: number
  waiting: number
}

/**
 * Limits concurrent work: at most `inside` tasks run, and at most `waiting` further tasks wait, in order of
 * arrival. Any other task is refused immediately and can be sent again.
 */
export class AdmissionQueue {
  readonly #limits: AdmissionLimits
  readonly #waiting: { begin(): void; sendAway(): void }[] = []
  #inside = 0
  #isClosed = false

  constructor(limits: AdmissionLimits) {
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

  /** Admits no more work and drops waiting work. Work that has begun continues. */
  close(): void {
    this.#isClosed = true
    for (const { sendAway } of this.#waiting.splice(0)) sendAway()
  }

  async #run<T>(work: () => Promise<T>, hasPlace = false): Promise<T> {
    if (!hasPlace) this.#inside += 1
    try {
      return await work()
    } finally {
      // The place passes directly to the next waiting work, so newly arrived work cannot take it.
      const next = this.#waiting.shift()
      if (next) next.begin()
      else this.#inside -= 1
    }
  }
}
