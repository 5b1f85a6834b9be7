import { Turns } from "../turns.ts"

/** Limits concurrent work per key (a host). Further work waits in the order of its calls. */
export class KeyedLimiter {
  readonly #limit: number
  readonly #lanes = new Map<string, Turns>()

  constructor(limit: number) {
    this.#limit = limit
  }

  within<T>(key: string, work: () => Promise<T>): Promise<T> {
    const lane = this.#lanes.get(key) ?? new Turns(this.#limit)
    this.#lanes.set(key, lane)
    return lane.take(work)
  }
}
