import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import type { Ledger } from "../../lib/ports.ts"

/** All entries of one stream, in their order. */
export async function entriesOf(ledger: Pick<Ledger, "read">, stream: string): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = []
  for await (const entry of ledger.read(stream)) entries.push(entry)
  return entries
}
