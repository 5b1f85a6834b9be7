import type { LedgerStore, RawEntry, SeqRange } from "./store.ts"

/** A ledger in memory, lost when the process ends. For simulation and tests. */
export function openMemoryStore(): LedgerStore {
  const chains = new Map<string, string[]>()
  const at = (stream: string) => chains.get(stream) ?? []
  return {
    async head(stream) {
      const texts = at(stream)
      const text = texts.at(-1)
      return text === undefined ? undefined : { seq: texts.length, text }
    },
    async append(stream, raw) {
      const texts = at(stream)
      if (raw.seq !== texts.length + 1) return "conflict"
      texts.push(raw.text)
      chains.set(stream, texts)
      return "appended"
    },
    read: (stream, range) => within(at(stream), range),
    async *streams() {
      yield* chains.keys()
    },
    async close() {},
    async create() {},
    async checkWritable() {},
  }
}

async function* within(texts: string[], range: SeqRange = {}): AsyncIterable<RawEntry> {
  for (const [index, text] of [...texts].entries()) {
    const seq = index + 1
    if (seq >= (range.fromSeq ?? 1) && seq <= (range.toSeq ?? seq)) yield { seq, text }
  }
}
