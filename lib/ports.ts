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

// Everything that a run needs from outside. Every method here except `buy` may be repeated.

/**
 * One append-only chain per stream. Its conditional append serves as lock, audit trail and state store at
 * once. All methods throw `LedgerError` if the store cannot be read or written; then no purchase is made.
 */
export interface Ledger {
  /** Newest entry, strongly consistent; `undefined` if the stream has none. */
  head(stream: string): Promise<LedgerEntry | undefined>
  /** Appends only if `entry.seq` is one past the newest. The result is true even if a response was lost. */
  append(entry: LedgerEntry): Promise<"appended" | "conflict">
  /** Entries in order of seq, strongly consistent; both bounds inclusive. */
  read(stream: string, range?: { fromSeq?: number; toSeq?: number }): AsyncIterable<LedgerEntry>
  streams(): AsyncIterable<string>
  /** Releases files and sockets. */
  close(): Promise<void>
}

/** The store cannot be read or written, or its content cannot be trusted. No purchase is made. */
export class LedgerError extends Error {
  override readonly name: string = "LedgerError"
}

/** The store was rolled back or replaced: it lacks entries that this process saw. No purchase is made. */
export class LedgerBehindError extends LedgerError {
  override readonly name = "LedgerBehindError"
}

/** A response of the cloud, or the reason why there is none. Reads never throw. */
export type Read<T> =
  | {
      ok: true
      value: T
      /** The cloud's clock minus ours, by its `Date` header; milliseconds. `null` without the header. */
      skewMs: number | null
      /** Time in the `Date` header, epoch milliseconds; `null` without the header. */
      date?: number | null
    }
  | {
      ok: false
      why: string
      /** True if the credentials were refused: HTTP 401 or 403. */
      credentials: boolean
      /**
       * Set if the failure does not mean that the source is silent: the request was refused or not sent, or
       * the response is not credible.
       */
      refused?: true
      /** As above, from the `Date` header of an error response. A proxy's response does not count. */
      skewMs?: number | null
      date?: number | null
    }

/** The one order that may be sent for an attempt. */
export interface BuyOrder {
  attempt: string
  policy: Policy
  plan: ScaleUpPlan
  /** base64 of the userdata whose SHA-256 is in the plan; `null` if the plan has none. */
  userdata: string | null
  /** Epoch milliseconds. Nothing is sent after this time. */
  sendBefore: number
  /** The same instant in monotonic milliseconds (`Clock.monotonic`). */
  sendBeforeMonotonic: number
  /** Time limit in milliseconds, from the first byte of the request to the last byte of the response. */
  timeoutMs: number
}

/** The cloud as the run of one supernode uses it. */
export interface Cloud {
  readSupernode(policy: Policy): Promise<Read<Supernode>>
  /** One reading per rule. Never throws: if a source fails, its readings are missing. */
  readMetrics(query: MetricQuery): Promise<Reading[]>
  readOffers(policy: Policy): Promise<Read<Offer[]>>
  /** An order by its id; `null` if no billing service is known for the region. */
  readOrder?(policy: Policy, orderId: string): Promise<Read<CloudOrder> | null>
  /**
   * Live-scale-ups of the supernode in CTS, between two times in epoch milliseconds. `null` if ModelArts has
   * an endpoint of its own and CTS has none.
   */
  readTraces?(policy: Policy, window: { from: number; to: number }): Promise<Read<ScaleUpTrace[]> | null>
  /** The only method that spends money. Sends at most one request, never throws, classifies every ending. */
  buy(order: BuyOrder): Promise<Outcome>
}

export interface MetricQuery {
  policy: Policy
  supernode: Supernode
  signal: Signal
  now: number
}

/** Newest entry of each stream, kept outside the ledger. Shows later if entries were cut off or rewritten. */
export interface Anchor {
  v: 1
  /** Id of the ledger; `null` if it has none. */
  ledger: string | null
  /** ISO 8601, UTC. */
  at: string
  heads: Record<string, { seq: number; hash: string }>
}

/** A notification with the ledger entry that records its content. The entry is always written first. */
export interface Notification extends PendingAction {
  /** The supernode's name in the policy. */
  supernode: string
  mode: RunMode
  entry: { stream: string; seq: number; hash: string }
  /** Present only for purchases and the daily report. */
  anchor?: Anchor
  /** Labels of recipients that an earlier try did not reach; the others already have it. Defaults to all. */
  to?: readonly string[]
}

/**
 * Result of a delivery. `taken` lists the labels of the recipients that accepted it, `failed` those of the
 * others. `why` never contains an address.
 */
export type Delivery =
  | { ok: true; taken?: readonly string[] }
  | { ok: false; why: string; taken?: readonly string[]; failed?: readonly string[] }

/** The recipients of notifications (policy `notify`). */
export interface Notifier {
  /** True if at least one recipient wants this topic. */
  wants(topic: NotifyTopic): boolean
  /** Tries each recipient once, for at most `timeoutMs`. Never throws. */
  send(notification: Notification, timeoutMs: number): Promise<Delivery>
}

export interface Clock {
  /** Wall clock, epoch milliseconds. */
  now(): number
  /** Monotonic milliseconds, unaffected by changes of the wall clock. */
  monotonic(): number
  /** Resolves after this many milliseconds. */
  wait(ms: number): Promise<void>
}

/** Calls `call` after `ms` milliseconds. Returns a function that cancels the call. */
export type After = (ms: number, call: () => void) => () => void

/** What one supernode's last run found in its chain. Other processes may have appended entries since then. */
export interface LastRunSummary {
  /** Time of the newest entry, epoch milliseconds; `null` if there was none. */
  headAt: number | null
  hasAttempt: boolean
  /** True if the state alone held the run. */
  isHeld: boolean
}

export interface Ports {
  ledger: Ledger
  cloud: Cloud
  clock: Clock
  /** `null` if the policy names no recipient of notifications. */
  notify: Notifier | null
  /** A random id, new at every call. */
  newId(): string
  /**
   * Runs `work` while no other run of this process runs its own, unless a turn takes too long. A buyer under
   * fleet caps then reads the fleet after the previous buyer has reserved. This only saves conflicts; the
   * ledger's conditional append protects the money. If absent, all buyers run at once.
   */
  inFleetTurn?<T>(work: () => Promise<T>): Promise<T>
  /** Summary of each supernode's last run, by stream. If absent, a supernode is read only after the heads. */
  lastRuns?: Map<string, LastRunSummary>
  /** Milliseconds that this invocation may still run; `Infinity` on a host. */
  timeLeftMs(): number
}
