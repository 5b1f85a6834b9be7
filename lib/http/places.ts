/** Work by key (a host), at most so much of one key at the same time; the rest waits in the order in which it came. */
export class Places {
  readonly #limit: number
  readonly #lanes = new Map<string, { running: number; waiting: (() => void)[] }>()

  constructor(limit: number) {
    this.#limit = limit
  }

  async within<T>(key: string, work: () => Promise<T>): Promise<T> {
    const lane = this.#lanes.get(key) ?? { running: 0, waiting: [] }
    this.#lanes.set(key, lane)
    // A place that becomes free is handed on, so that nothing that comes later slips in between.
    if (lane.running >= this.#limit) await new Promise<void>((resolve) => lane.waiting.push(resolve))
    else lane.running += 1
    try {
      return await work()
    } finally {
      const next = lane.waiting.shift()
      if (next) next()
      else lane.running -= 1
    }
  }
}
