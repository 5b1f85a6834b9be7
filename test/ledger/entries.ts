import { randomUUID } from "node:crypto"
import { EMPTY_STATE } from "../../lib/decision/state/state.ts"
import {
  type EntryDraft,
  entryText,
  type LedgerEntry,
  MAX_ENTRY_BYTES,
  sealEntry,
} from "../../lib/ledger/entry.ts"
import type { RawEntry } from "../../lib/ledger/store.ts"

export const STREAM = "supernode:b4beacb6-4380-448c-a218-daa82cf03f5d"

/** The entry that follows `before`, with a new writer id. */
export function entryAfter(before: LedgerEntry | undefined, with_: Partial<EntryDraft> = {}): LedgerEntry {
  return sealEntry({
    stream: before?.stream ?? STREAM,
    seq: (before?.seq ?? 0) + 1,
    at: 1_750_000_000_000,
    run: "run-1",
    writer: randomUUID(),
    kind: "decided",
    mode: "live",
    standing: EMPTY_STATE,
    prev: before?.hash ?? "",
    ...with_,
  })
}

/** A valid chain of `length` entries. */
export function chainOf(length: number, stream = STREAM): LedgerEntry[] {
  const entries: LedgerEntry[] = []
  while (entries.length < length) entries.push(entryAfter(entries.at(-1), { stream }))
  return entries
}

export function rawOf(entry: LedgerEntry): RawEntry {
  return { seq: entry.seq, text: entryText(entry) }
}

/** An entry whose text has exactly `bytes` bytes. Throws RangeError above the limit. */
export function entryOfBytes(bytes: number): LedgerEntry {
  const spare = bytes - Buffer.byteLength(entryText(entryAfter(undefined, { run: "", writer: "w" })))
  return entryAfter(undefined, { run: "x".repeat(spare), writer: "w" })
}

export const LIMIT = MAX_ENTRY_BYTES

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
