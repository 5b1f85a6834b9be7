import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import type { AuditedLedger } from "../../../lib/ledger/open.ts"

/** The entries of one order. */
export interface OrderEntries {
  opened: LedgerEntry
  /** Entry that records the outcome; `null` if there is none yet, or if it is too far away. */
  settled: LedgerEntry | null
}

/**
 * Number of entries to search before and after an entry: an order is settled a few entries after it was
 * opened.
 */
const NEAR_ENTRIES = 50

/** Finds the entries that opened the orders of the given entries. Returns them by attempt id. */
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

/**
 * Finds the order of an entry by its attempt. Returns `null` if the entry neither opened nor settled an
 * order, or if no opened entry is near.
 */
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
