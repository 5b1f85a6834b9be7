/**
 * Part of a long list: the newest items, and every k-th of the older ones. k doubles as the list grows. The
 * same list always keeps the same items.
 */
export class Thinned<T> {
  /** Every `#stride`-th of the items that are no longer among the newest. */
  readonly #older: T[] = []
  readonly #newest: T[] = []
  #stride = 1
  #passed = 0

  /** `older` and `newest`: maximum number of kept items of each. */
  constructor(private readonly limits: { older: number; newest: number }) {}

  add(item: T): void {
    this.#newest.push(item)
    if (this.#newest.length <= this.limits.newest) return
    const [oldest] = this.#newest.splice(0, 1)
    if (this.#passed % this.#stride === 0 && oldest !== undefined) this.#older.push(oldest)
    this.#passed += 1
    if (this.#older.length <= this.limits.older) return
    const everySecond = this.#older.filter((_, i) => i % 2 === 0)
    this.#older.splice(0, this.#older.length, ...everySecond)
    this.#stride *= 2
  }

  get items(): T[] {
    return [...this.#older, ...this.#newest]
  }

  get count(): number {
    return this.#passed + this.#newest.length
  }

  /** 1 means that all items are kept. */
  get stride(): number {
    return this.#stride
  }
}
