import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import type { AuditedLedger } from "../../lib/ledger/open.ts"
import type { ReceivedRequest } from "../../lib/sandbox/received.ts"
import type { SandboxApart } from "../sandbox/apart.ts"
import type { Account } from "./account.ts"
import type { HandoverReader } from "./handover.ts"

export interface Watched {
  sandbox: SandboxApart
  ledger: AuditedLedger
  handovers: HandoverReader
  /** Accounts by supernode id. */
  accounts: ReadonlyMap<string, Account>
  /** Processes that may still send a request. */
  living: ReadonlySet<number>
  onEntry?: (entry: LedgerEntry) => void
}

/**
 * Compares the wire with the records of senders, and both with the chains. Each request is judged by all
 * entries before it. Returns the purchases since the last look.
 */
export async function look(watched: Watched): Promise<readonly ReceivedRequest[]> {
  const { sandbox, ledger, accounts, living, onEntry } = watched
  const posts = await sandbox.look()
  const orders = [...sandbox.orders]
  const handovers = watched.handovers.next()
  for (const [id, account] of accounts) {
    const fromSeq = (account.head?.seq ?? 0) + 1
    for await (const entry of ledger.read(`supernode:${id}`, { fromSeq })) {
      account.follow(entry)
      onEntry?.(entry)
    }
    for (const one of handovers.filter(({ path }) => path.includes(id))) account.handedOver(one)
    for (const post of posts.filter(({ path }) => path.includes(id))) account.arrived(post)
    account.lookedWhile(living)
    account.check(orders.filter((order) => order.supernode === id))
  }
  return posts
}

/** Reason why a request was too late by its sender's clock; `null` if it was in time. */
export function whyTooLate(decidedAt: number, sendBefore: number): string | null {
  const lateMs = decidedAt - sendBefore
  return lateMs > 0 ? `a request was handed over ${lateMs} ms after sendBefore` : null
}
