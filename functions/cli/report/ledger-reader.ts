import { CONTROL_STREAM, controlOf, supernodeStream } from "../../../lib/ledger/next-entry.ts"
import { policyOf } from "../../../lib/ledger/policy-of.ts"
import type { Ledger } from "../../../lib/ports.ts"
import { LedgerHistory } from "./from-ledger.ts"

export interface LedgerReaderOptions {
  ledger: Pick<Ledger, "head" | "read" | "streams">
  /** Names by supernode id. */
  names: ReadonlyMap<string, string>
  /** Id of the only supernode to read; `null` means all. */
  only: string | null
  /** Maximum number of newest entries to read of each stream; `Infinity` means all. */
  maxEntries: number
}

const SUPERNODE = supernodeStream("")

/** Reads the streams of a ledger for a report. Each further call reads only new entries. */
export class LedgerReader {
  history = new LedgerHistory()
  ledgerId: string | null = null
  /** Number of entries that were too old to be read, over all streams. */
  skipped = 0
  readonly #heads = new Map<string, number>()

  constructor(private readonly options: LedgerReaderOptions) {}

  /** Reads all new entries. Resolves to true if there were any. Throws LedgerError. */
  async read(): Promise<boolean> {
    const { ledger, only, names } = this.options
    const streams: string[] = []
    for await (const stream of ledger.streams()) streams.push(stream)
    const supernodeStreams = streams.filter(
      (one) => one.startsWith(SUPERNODE) && (only === null || one === SUPERNODE + only),
    )
    const ids = [...new Set([...names.keys(), ...supernodeStreams.map((one) => one.slice(SUPERNODE.length))])]
    for (const id of ids)
      if (only === null || id === only) this.history.know({ id, name: names.get(id) ?? id })
    const control = await ledger.head(CONTROL_STREAM)
    this.ledgerId = controlOf(control).ledger?.id ?? null
    let isNew = false
    for (const stream of [...(control ? [CONTROL_STREAM] : []), ...supernodeStreams.sort()])
      isNew = (await this.#readStream(stream)) || isNew
    return isNew
  }

  async #readStream(stream: string): Promise<boolean> {
    const { ledger, maxEntries, names } = this.options
    const newest = (await ledger.head(stream))?.seq ?? 0
    const oldest = Math.max(0, newest - maxEntries)
    if (!this.#heads.has(stream)) this.skipped += oldest
    const known = this.#heads.get(stream) ?? oldest
    if (newest <= known) return false
    const id = stream.slice(SUPERNODE.length)
    const history = stream === CONTROL_STREAM ? null : this.history.know({ id, name: names.get(id) ?? id })
    for await (const entry of ledger.read(stream, { fromSeq: known + 1 })) {
      this.#heads.set(stream, entry.seq)
      if (history === null) {
        this.history.addControl(entry)
        continue
      }
      const { policyHash, policy, situation } = entry
      if (policyHash !== undefined && !(policy ?? situation?.policy) && !history.policies.knows(policyHash)) {
        const found = await policyOf(ledger, entry)
        if (found) history.policies.learn(policyHash, found)
      }
      history.add(entry)
    }
    return true
  }
}
