import type { ScaleUpPlan } from "../../../lib/decision/plan.ts"
import type { EarlierDelivery } from "../../../lib/decision/state/freshness.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import { stateOf } from "../../../lib/ledger/next-entry.ts"
import type { AuditedLedger } from "../../../lib/ledger/open.ts"

/** A plan that a run recorded recently. */
export interface KnownPlan {
  supernodeId: string
  plan: ScaleUpPlan
  /** The requester; null for an alarm or a tick. */
  requestedBy: string | null
  /** First delivery of that person's newest request; `null` for an alarm or a tick. */
  firstRequest: (EarlierDelivery & { id: string }) | null
  /**
   * True if only approval is missing: the newest decision says so, or a person's request was held for that
   * reason and may be repeated.
   */
  isWaiting: boolean
  /**
   * Time of the supernode's newest attempt, epoch milliseconds. It used up all earlier approvals. `null`
   * without attempts.
   */
  openedAt: number | null
  /**
   * Times since that attempt at which runs recorded that only approval is missing; newest first, epoch
   * milliseconds.
   */
  heldAt: number[]
}

/** Number of newest entries of each chain to search for plans. */
const RECENT_ENTRIES = 100

/** Plans of all supernodes. Each plan occurs once, as it was recorded last. */
export async function knownPlans(ledger: AuditedLedger): Promise<KnownPlan[]> {
  const found = new Map<string, KnownPlan>()
  for await (const stream of ledger.streams()) {
    const [, supernodeId] = /^supernode:(.+)$/.exec(stream) ?? []
    const head = supernodeId === undefined ? undefined : await ledger.head(stream)
    if (supernodeId === undefined || !head) continue
    for await (const entry of ledger.read(stream, { fromSeq: Math.max(1, head.seq - RECENT_ENTRIES) })) {
      if (!entry.plan) continue
      const before = found.get(entry.plan.hash) ?? null
      found.set(entry.plan.hash, knownPlan({ supernodeId, entry, head, plan: entry.plan, before }))
    }
  }
  return [...found.values()]
}

interface Recorded {
  supernodeId: string
  entry: LedgerEntry
  head: LedgerEntry
  plan: ScaleUpPlan
  /** The same plan in earlier entries; `null` if it is in none. */
  before: KnownPlan | null
}

function knownPlan({ supernodeId, entry, head, plan, before }: Recorded): KnownPlan {
  const { openedAt, lastDecision } = stateOf(head)
  const { signal, decision } = entry
  const requestedBy = signal?.kind === "request" ? signal.requestedBy : null
  const wasHeld = decision?.heldBy === "approval-needed" && entry.at > (openedAt ?? -Infinity)
  // A tick's plan waits while it is the newest decision. A person's request counts until the plan is bought.
  const isNewest = lastDecision?.heldBy === "approval-needed" && lastDecision.planHash === plan.hash
  const heldBefore = before?.heldAt ?? []
  return {
    supernodeId,
    plan,
    requestedBy,
    firstRequest: signal?.kind === "request" ? firstRequestIn(entry, signal.id, before) : null,
    openedAt,
    heldAt: wasHeld ? [entry.at, ...heldBefore] : heldBefore,
    isWaiting: wasHeld && (isNewest || requestedBy !== null),
  }
}

function firstRequestIn(
  { at, decision }: LedgerEntry,
  id: string,
  before: KnownPlan | null,
): KnownPlan["firstRequest"] {
  if (before?.firstRequest?.id === id) return before.firstRequest
  return { id, at, forApprovalOnly: decision?.heldBy === "approval-needed" }
}
