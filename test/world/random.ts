/** The only random source of a simulation (sfc32). The same seed gives the same numbers on every machine. */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number) {
    this.#a = seed | 0
    this.#b = Math.floor(seed / 2 ** 32) | 0
    this.#c = 0x9e3779b9
    for (let i = 0; i < 15; i++) this.next()
  }

  /** A number from 0 (inclusive) to 1 (exclusive). */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (this.#c << 21) | (this.#c >>> 11)
    this.#c = (this.#c + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** A whole number between both bounds, inclusive. */
  whole(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  /** A whole number, as often between 1 and 10 as between 10 and 100: most are small, a few very large. */
  spread(min: number, max: number): number {
    return Math.round(min * (max / min) ** this.next())
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[this.whole(0, list.length - 1)]
    if (picked === undefined) throw new RangeError("nothing to pick from")
    return picked
  }

  /** The value of one row, chosen in proportion to the weights. */
  weighted<T>(rows: readonly (readonly [weight: number, value: T])[]): T {
    let left = this.next() * rows.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, value] of rows) {
      left -= weight
      if (left < 0) return value
    }
    const last = rows.at(-1)
    if (!last) throw new RangeError("nothing to choose from")
    return last[1]
  }
}
