import { Turns } from "../turns.ts"

/** Work by key (a host), at most so much of one key at the same time; the rest waits in the order in which it came. */
export class Places {
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
