/**
 * Items of a long list: the newest ones, and of those before every k-th, where k doubles as the list grows. The same
 * list always leaves the same items.
 */
export class Thinned<T> {
  /** Every `#stride`-th of the items that are no longer among the newest. */
  readonly #older: T[] = []
  readonly #newest: T[] = []
  #stride = 1
  #passed = 0

  /** `older` and `newest`: how many of each are kept at most. */
  constructor(private readonly limits: { older: number; newest: number }) {}

  add(item: T): void {
    this.#newest.push(item)
    if (this.#newest.length <= this.limits.newest) return
    const [oldest] = this.#newest.splice(0, 1)
    if (this.#passed % this.#stride === 0 && oldest !== undefined) this.#older.push(oldest)
    this.#passed += 1
    if (this.#older.length <= this.limits.older) return
    const kept = this.#older.filter((_, i) => i % 2 === 0)
    this.#older.splice(0, this.#older.length, ...kept)
    this.#stride *= 2
  }

  get items(): T[] {
    return [...this.#older, ...this.#newest]
  }

  get count(): number {
    return this.#passed + this.#newest.length
  }

  /** 1: all are kept. */
  get stride(): number {
    return this.#stride
  }
}
