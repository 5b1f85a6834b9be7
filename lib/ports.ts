import type { PendingAction } from "./decision/explain/pending-action.ts"
import type { Reading } from "./decision/inputs/reading.ts"
import type { Signal } from "./decision/inputs/signal.ts"
import type { Offer, Supernode } from "./decision/inputs/supernode.ts"
import type { ScaleUpPlan } from "./decision/plan.ts"
import type { NotifyTopic } from "./decision/policy/notify.ts"
import type { Policy } from "./decision/policy/policy.ts"
import type { RunMode } from "./decision/situation.ts"
import type { CloudOrder } from "./decision/state/order.ts"
import type { Outcome } from "./decision/state/outcome.ts"
import type { ScaleUpTrace } from "./decision/state/witness.ts"
import type { LedgerEntry } from "./ledger/entry.ts"

// What a run asks of the world. Every verb here but `buy` may be repeated.

/**
 * One append-only chain per stream. The conditional append is at once the lock, the audit trail and the state store.
 * All methods throw `LedgerError` when the store cannot be read or written; then nothing may be bought.
 */
export interface Ledger {
  /** The newest entry; strongly consistent. */
  head(stream: string): Promise<LedgerEntry | undefined>
  /** Writes only if `entry.seq` is exactly one past the newest. Says truly what happened, lost answers included. */
  append(entry: LedgerEntry): Promise<"appended" | "conflict">
  /** Entries in order of seq, strongly consistent; both bounds inclusive. */
  read(stream: string, range?: { fromSeq?: number; toSeq?: number }): AsyncIterable<LedgerEntry>
  streams(): AsyncIterable<string>
  /** Lets go of files and sockets. */
  close(): Promise<void>
}

/** The store cannot be read or written, or holds what cannot be trusted. Nothing is bought. */
export class LedgerError extends Error {
  override readonly name: string = "LedgerError"
}

/** The store is older than this process knows it: it was rolled back, or another one took its place. Nothing is bought. */
export class LedgerBehindError extends LedgerError {
  override readonly name = "LedgerBehindError"
}

/** An answer of the cloud, or the reason why it is missing. Reads never throw. */
export type Read<T> =
  | {
      ok: true
      value: T /** The cloud's clock minus ours by its `Date` header, milliseconds; null without one. */
      skewMs: number | null
      /** That `Date`, epoch milliseconds; null without one. */
      date?: number | null
    }
  | {
      ok: false
      why: string
      /** 401 or 403. */
      credentials: boolean
      /** There was an answer, but not to the question: the question was refused, or its answer is not credible. */
      refused?: true
      /** As above, where an answer came with a `Date`: by an error answer, too, but never by a proxy's. */
      skewMs?: number | null
      date?: number | null
    }

/** The one order that may be sent for an attempt. */
export interface BuyOrder {
  attempt: string
  policy: Policy
  plan: ScaleUpPlan
  /** base64 of the userdata whose SHA-256 is in the plan; null where the plan has none. */
  userdata: string | null
  /** Epoch milliseconds: not a byte leaves after this. */
  sendBefore: number
  /** Monotonic milliseconds of the same instant (`Clock.monotonic`). */
  sendBeforeMonotonic: number
  /** From the first byte of the request to the last of the answer. */
  timeoutMs: number
}

/** The cloud as one supernode's run needs it. */
export interface Cloud {
  readSupernode(policy: Policy): Promise<Read<Supernode>>
  /** One reading per rule; a source that fails makes its readings missing and never throws. */
  readMetrics(question: MetricQuestion): Promise<Reading[]>
  readOffers(policy: Policy): Promise<Read<Offer[]>>
  /** An order by its id; null where no billing service is known for the region. */
  readOrder?(policy: Policy, orderId: string): Promise<Read<CloudOrder> | null>
  /** Live-scale-ups of the supernode in CTS, between two instants; null where no CTS is known beside another ModelArts. */
  readTraces?(policy: Policy, window: { from: number; to: number }): Promise<Read<ScaleUpTrace[]> | null>
  /** The one verb that spends. Sends at most one request, never throws, and classifies every ending. */
  buy(order: BuyOrder): Promise<Outcome>
}

export interface MetricQuestion {
  policy: Policy
  supernode: Supernode
  signal: Signal
  now: number
}

/** Newest entries of the streams, to keep outside the ledger: what shows later that no entry was cut off or rewritten. */
export interface Anchor {
  v: 1
  /** Id of the ledger; null for one without an id. */
  ledger: string | null
  /** ISO 8601, UTC. */
  at: string
  heads: Record<string, { seq: number; hash: string }>
}

/** A notification, and the ledger entry that states what it says: it was written before. */
export interface Notification extends PendingAction {
  /** The supernode's name in the policy. */
  supernode: string
  mode: RunMode
  entry: { stream: string; seq: number; hash: string }
  /** Only with purchases and the daily report. */
  anchor?: Anchor
  /** Labels of the recipients that an earlier try did not reach; all others have the notification already. */
  to?: readonly string[]
}

/**
 * Whether the other side took it. `why` never contains an address; `taken` are the labels of the recipients that took it,
 * `failed` of those that did not.
 */
export type Delivery =
  | { ok: true; taken?: readonly string[] }
  | { ok: false; why: string; taken?: readonly string[]; failed?: readonly string[] }

/** The recipients of notifications (policy `notify`). */
export interface Notifier {
  /** Is there a recipient for this subject? */
  wants(topic: NotifyTopic): boolean
  /** One try for each recipient, of at most `timeoutMs`. Never throws. */
  tell(notice: Notification, timeoutMs: number): Promise<Delivery>
}

export interface Clock {
  /** Wall clock, epoch milliseconds. */
  now(): number
  /** Milliseconds that never jump. */
  monotonic(): number
  /** Comes back after that many milliseconds; only the settling of an outcome waits. */
  wait(ms: number): Promise<void>
}

/** Calls after so many milliseconds, and gives a way to take that back. */
export type After = (ms: number, call: () => void) => () => void

/** How one supernode's last run found its chain: only a guess at what the next one will find. */
export interface LastLook {
  /** When the newest entry was dated, epoch milliseconds; null: there was none. */
  headAt: number | null
  hasAttempt: boolean
  /** The state alone held the run. */
  isHeld: boolean
}

export interface Ports {
  ledger: Ledger
  cloud: Cloud
  clock: Clock
  /** null: the policy names no recipient of notifications. */
  notify: Notifier | null
  /** A random id, new at every call. */
  newId(): string
  /**
   * Does this when no other run of the process does, as long as none takes too long: buyers under caps across supernodes
   * then read the fleet after the one before them has reserved. It spares conflicts and proves nothing; the ledger's
   * conditional append protects the money. Left out: all go at once.
   */
  inFleetTurn?<T>(work: () => Promise<T>): Promise<T>
  /** What this process last saw of each supernode, by stream. Left out: no supernode is read beside the heads. */
  lastLooks?: Map<string, LastLook>
  /** Milliseconds this invocation may still run; Infinity on a host. */
  timeLeftMs(): number
}
