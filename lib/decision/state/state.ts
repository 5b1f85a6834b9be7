import type { Signal } from "../inputs/signal.ts"
import type { OpenAttempt } from "./attempt.ts"
import type { Blindness } from "./blindness.ts"
import type { Effect } from "./effect.ts"
import type { NotificationRecord } from "./observation.ts"
import type { OrderRecord } from "./order.ts"
import type { RejectionClass } from "./outcome.ts"
import type { Purchase } from "./purchases.ts"
import type { WitnessRecord } from "./witness.ts"

/** A wait after a refusal; `times` counts refusals in a row, so that waits can double. */
export interface Backoff {
  until: number
  times: number
}

/** A schedule start that led to a purchase: its time (epoch milliseconds) and the attempt. */
export interface HandledStart {
  at: number
  attempt: string
}

/** A signal that led to an `opened` entry. Times are epoch milliseconds. */
export interface SpentSignal {
  run: string
  /** seq of the `opened` entry. */
  seq: number
  /** Time at which the attempt was opened. */
  at: number
  keepUntil: number
  /** Absent in entries of `v: 1`. */
  kind?: Signal["kind"]
}

/** Alternation of two policy hashes. Times are epoch milliseconds. */
export interface PolicyChanges {
  /** The hash before the present one, and the time of its last entry. */
  before: { hash: string; at: number }
  /** Changes between these two hashes within the last hour, oldest first; at most 8. */
  at: number[]
  /**
   * True if the hashes alternate, as if two policy files were in use. It becomes false after 20 minutes with one file.
   */
  isConflict: boolean
}

/** Memory of one supernode's chain: the folded state after its newest entry. */
export interface SupernodeState {
  attempt: OpenAttempt | null
  /** Time at which the newest attempt was opened, whatever its outcome. */
  openedAt: number | null
  /**
   * Id of that attempt; absent if all attempts of the chain are older than the release that records ids. A plan names it, so that a
   * plan can be bought only once.
   */
  newestAttempt?: string
  /** Completion of the newest purchase: all its servers RUNNING. */
  completedAt: number | null
  /** Creation of the newest server that we did not buy. */
  foreignAt: number | null
  /** Ids of all servers known from the chain; null before the first reading. */
  servers: string[] | null
  /** Servers of the newest completed purchase: their metrics are no evidence before warm-up ends. */
  newServers: string[]
  purchases: Purchase[]
  /** Signals that led to an `opened` entry, by id, with its position. Bounded: see `rememberSignal`. */
  signals: Record<string, SpentSignal>
  /**
   * Own time of the newest signal that `signals` had no room for: alarms and ticks up to that time are stale.
   * Absent until there were too many.
   */
  spentUntil?: number
  /**
   * Times at which an OK closed an alarm's episode, by the episode's key; kept for 20 minutes. Bounded: see
   * `rememberEpisode`.
   */
  episodes: Record<string, { closedAt: number | null }>
  /**
   * The newest close that `episodes` had no room for: older ALARMs are stale. Absent until there were too
   * many.
   */
  episodesClosedAt?: number
  /** Rules with `repeat: false` whose proposal was bought, with the time. */
  latches: Record<string, number>
  lastDecision: {
    at: number
    kind: "scale-up" | "hold"
    heldBy: string | null
    to: number | null
    /** Hash of the plan; approvers are notified again of a new plan of the same size. */
    planHash: string | null
  } | null
  /**
   * Policy hash of the newest entry, and its first time; for arming. `unconfirmed`: no time was confirmed
   * since then.
   */
  policySeen: { hash: string; since: number; unconfirmed?: true } | null
  /**
   * Entries of this chain with a full policy: hash -> seq, the newest few; absent before the first `v: 2`
   * entry.
   */
  policies?: Record<string, number>
  /** Changes of the policy hash within the last hour; absent until it changes, and after a `reset`. */
  policyChanges?: PolicyChanges
  /** Flavors that were refused for capacity. */
  blocked: Record<string, Backoff>
  throttle: Backoff | null
  breaker: { class: RejectionClass; since: number; says: string } | null
  /**
   * Rules, and schedules as `schedule:NAME`, that an invalid order switched off until the policy's hash
   * changes: name -> hash.
   */
  rulesOff: Record<string, string>
  /**
   * Attempts that a person settled as absent, for a month: if servers appear later, the order was accepted
   * after all.
   */
  absent: OpenAttempt[]
  /** Newest notifications, by `PendingAction.about`; absent in a chain without notifications. */
  told?: Record<string, NotificationRecord>
  /** Sources without data in consecutive ticks; absent while all have data. */
  blind?: Blindness
  /** Starts of schedules that led to a purchase, by schedule and local time; absent in a chain without any. */
  acted?: Record<string, HandledStart>
  /** The newest accepted order as the billing service showed it; absent until one was read. */
  order?: OrderRecord
  /** What independent sources showed of the attempt in flight while its outcome is unknown; absent until one was read. */
  witness?: WitnessRecord
  /**
   * Effects of purchases that rules caused, oldest first, since the last reset; absent before the first one.
   */
  effects?: Effect[]
}

export const EMPTY_STATE: SupernodeState = {
  attempt: null,
  openedAt: null,
  completedAt: null,
  foreignAt: null,
  servers: null,
  newServers: [],
  purchases: [],
  signals: {},
  episodes: {},
  latches: {},
  lastDecision: null,
  policySeen: null,
  blocked: {},
  throttle: null,
  breaker: null,
  rulesOff: {},
  absent: [],
}

/** Request time of the newest purchase that may have cost money; null without one. */
export function requestedAt(state: SupernodeState): number | null {
  return state.purchases.reduce<number | null>((newest, { at }) => Math.max(newest ?? at, at), null)
}
