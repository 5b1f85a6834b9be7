import { entryText, type LedgerEntry } from "../../lib/ledger/entry.ts"
import type { RawEntry } from "../../lib/ledger/store.ts"
import { type Verification, verifyStream } from "../../lib/ledger/verify.ts"

/** Verifies the entries of one chain as `audit verify` does. */
export function verifyEntries(entries: readonly LedgerEntry[]): Promise<Verification> {
  async function* read(): AsyncIterable<RawEntry> {
    for (const entry of entries) yield { seq: entry.seq, text: entryText(entry) }
  }
  return verifyStream({ read }, entries[0]?.stream ?? "")
}
