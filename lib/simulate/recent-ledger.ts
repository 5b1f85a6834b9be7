import type { LedgerEntry } from "../ledger/entry.ts"
import { type Ledger, LedgerError } from "../ports.ts"

/**
 * Minimum number of newest entries kept per stream. Ticks need only recent ones. Older entries are dropped,
 * so that a year takes no more memory than a day.
 */
const KEPT_ENTRIES = 256

/**
 * Ledger in memory for simulations. It has the conditional append of every ledger, but keeps only the newest
 * entries, as objects without their text.
 */
export class RecentLedger implements Ledger {
  readonly #streams = new Map<string, LedgerEntry[]>()

  /** `onAppend` receives every entry, including those that are dropped later. */
  constructor(private readonly onAppend: (entry: LedgerEntry) => void = () => {}) {}

  async head(stream: string): Promise<LedgerEntry | undefined> {
    return this.#streams.get(stream)?.at(-1)
  }

  async append(entry: LedgerEntry): Promise<"appended" | "conflict"> {
    const recent = this.#streams.get(entry.stream) ?? []
    const head = recent.at(-1)
    if (entry.seq !== (head?.seq ?? 0) + 1) return "conflict"
    if (entry.prev !== (head?.hash ?? ""))
      throw new LedgerError(`ledger entry ${entry.stream}#${entry.seq} does not follow the newest entry`)
    recent.push(entry)
    if (recent.length >= 2 * KEPT_ENTRIES) recent.splice(0, recent.length - KEPT_ENTRIES)
    this.#streams.set(entry.stream, recent)
    this.onAppend(entry)
    return "appended"
  }

  async *read(stream: string, range: { fromSeq?: number; toSeq?: number } = {}): AsyncIterable<LedgerEntry> {
    const { fromSeq = 1, toSeq = Number.POSITIVE_INFINITY } = range
    for (const entry of [...(this.#streams.get(stream) ?? [])])
      if (entry.seq >= fromSeq && entry.seq <= toSeq) yield entry
  }

  async *streams(): AsyncIterable<string> {
    yield* this.#streams.keys()
  }

  async create(): Promise<void> {}

  async checkWritable(): Promise<void> {}

  async close(): Promise<void> {}
}
