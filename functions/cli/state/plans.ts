import type { ScaleUpPlan } from "../../../lib/decision/plan.ts"
import type { EarlierDelivery } from "../../../lib/decision/state/freshness.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import { stateOf } from "../../../lib/ledger/next-entry.ts"
import type { AuditedLedger } from "../../../lib/ledger/open.ts"

/** A plan that a run recorded lately. */
export interface KnownPlan {
  supernodeId: string
  plan: ScaleUpPlan
  /** The requester; null for an alarm or a tick. */
  requestedBy: string | null
  /** The first delivery of that person's newest request; null where an alarm or a tick asked. */
  asked: (EarlierDelivery & { id: string }) | null
  /** Only approval is missing: the newest decision says so, or a requester got that answer and may ask again. */
  isWaiting: boolean
  /** When the supernode's newest attempt was opened; what was approved before that is used up. Epoch milliseconds. */
  openedAt: number | null
  /** When runs recorded that it waits for approval and nothing else, since that attempt; newest first, epoch milliseconds. */
  heldAt: number[]
}

/** Number of newest entries of each chain in which plans are looked for. */
const RECENT_ENTRIES = 100

/** The plans of all supernodes, each once, as they were recorded last. */
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
  /** The plan as the entries before recorded it; null: they did not. */
  before: KnownPlan | null
}

function knownPlan({ supernodeId, entry, head, plan, before }: Recorded): KnownPlan {
  const { openedAt, lastDecision } = stateOf(head)
  const { signal, decision } = entry
  const requestedBy = signal?.kind === "request" ? signal.requestedBy : null
  const wasHeld = decision?.heldBy === "approval-needed" && entry.at > (openedAt ?? -Infinity)
  // A tick wants it as long as it is the newest decision; a person's request counts until it is bought.
  const isNewest = lastDecision?.heldBy === "approval-needed" && lastDecision.planHash === plan.hash
  const heldBefore = before?.heldAt ?? []
  return {
    supernodeId,
    plan,
    requestedBy,
    asked: signal?.kind === "request" ? askedIn(entry, signal.id, before) : null,
    openedAt,
    heldAt: wasHeld ? [entry.at, ...heldBefore] : heldBefore,
    isWaiting: wasHeld && (isNewest || requestedBy !== null),
  }
}

function askedIn({ at, decision }: LedgerEntry, id: string, before: KnownPlan | null): KnownPlan["asked"] {
  if (before?.asked?.id === id) return before.asked
  return { id, at, forApprovalOnly: decision?.heldBy === "approval-needed" }
}
