/** Entries of all streams, as a backup holds them. */
export type Copy<T> = ReadonlyMap<string, readonly T[]>

/** Part of a chain. A missing bound is open. */
export interface SeqRange {
  fromSeq?: number | undefined
  toSeq?: number | undefined
}

/**
 * The chains of a ledger in memory. Each call is one step. Delays, faults and the order of calls come from
 * what a test puts between a run and this class.
 */
export class Chains<T extends { readonly seq: number }> {
  readonly #chains = new Map<string, T[]>()

  newest(stream: string): T | undefined {
    return this.#chains.get(stream)?.at(-1)
  }

  /** `isAnywhere`: imitates a broken store, which accepts an entry that does not follow the newest one. */
  append(stream: string, entry: T, { isAnywhere = false } = {}): "appended" | "conflict" {
    const chain = this.#chains.get(stream) ?? []
    if (entry.seq !== chain.length + 1 && !isAnywhere) return "conflict"
    chain.push(Object.freeze(entry))
    this.#chains.set(stream, chain)
    return "appended"
  }

  within(stream: string, { fromSeq = 1, toSeq = Number.POSITIVE_INFINITY }: SeqRange = {}): T[] {
    return (this.#chains.get(stream) ?? []).filter(({ seq }) => seq >= fromSeq && seq <= toSeq)
  }

  streams(): string[] {
    return [...this.#chains.keys()]
  }

  copy(): Copy<T> {
    return new Map([...this.#chains].map(([stream, chain]) => [stream, [...chain]]))
  }

  /** Replaces all chains by those of the copy. */
  restore(copy: Copy<T>): void {
    this.#chains.clear()
    for (const [stream, chain] of copy) this.#chains.set(stream, [...chain])
  }
}
