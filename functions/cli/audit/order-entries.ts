import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import type { AuditedLedger } from "../../../lib/ledger/open.ts"

/** The entries of one order. */
export interface OrderEntries {
  opened: LedgerEntry
  /** The one that records how it ended; null: not yet, or it is far away. */
  settled: LedgerEntry | null
}

/** An order is settled within a few entries after it was opened. */
const NEAR_ENTRIES = 50

/** The entries that opened the orders which these entries are about, by the id of the attempt. */
export async function openedOrders(
  ledger: Pick<AuditedLedger, "read">,
  entries: readonly LedgerEntry[],
): Promise<Map<string, LedgerEntry>> {
  const found = new Map<string, LedgerEntry>()
  for (const entry of entries)
    if (entry.kind === "opened" && entry.attempt && entry.plan) found.set(entry.attempt.id, entry)
  for (const entry of entries) {
    if (entry.kind !== "settled" || !entry.attempt || found.has(entry.attempt.id)) continue
    const order = await orderOf(ledger, entry)
    if (order) found.set(entry.attempt.id, order.opened)
  }
  return found
}

/** The order that an entry is about, by its attempt; null for all other entries. */
export async function orderOf(
  ledger: Pick<AuditedLedger, "read">,
  { stream, seq, kind, attempt }: LedgerEntry,
): Promise<OrderEntries | null> {
  if (!attempt || (kind !== "opened" && kind !== "settled")) return null
  let opened: LedgerEntry | null = null
  let settled: LedgerEntry | null = null
  const range = { fromSeq: Math.max(1, seq - NEAR_ENTRIES), toSeq: seq + NEAR_ENTRIES }
  for await (const entry of ledger.read(stream, range)) {
    if (entry.attempt?.id !== attempt.id) continue
    if (entry.kind === "opened") opened = entry
    if (entry.kind === "settled") settled = entry
    if (opened && settled) break
  }
  return opened?.plan ? { opened, settled } : null
}
