import { openMemoryStore } from "../../lib/ledger/memory.ts"
import type { LedgerStore } from "../../lib/ledger/store.ts"

/** A store that a test can replace while processes use it, as when an operator restores a backup. */
export class ExchangeableStore implements LedgerStore {
  store: LedgerStore = openMemoryStore()

  head: LedgerStore["head"] = (stream) => this.store.head(stream)
  append: LedgerStore["append"] = (stream, raw) => this.store.append(stream, raw)
  read: LedgerStore["read"] = (stream, range) => this.store.read(stream, range)
  streams = () => this.store.streams()
  close = async () => undefined
  create = async () => undefined
  checkWritable = async () => undefined

  /** A copy, as in a backup. */
  async copy(): Promise<LedgerStore> {
    const copy = openMemoryStore()
    for await (const stream of this.store.streams())
      for await (const raw of this.store.read(stream)) await copy.append(stream, raw)
    return copy
  }
}
