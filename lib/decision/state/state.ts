import type { Signal } from "../inputs/signal.ts"
import type { OpenAttempt } from "./attempt.ts"
import type { Blindness } from "./blindness.ts"
import type { Effect } from "./effect.ts"
import type { NotificationRecord } from "./observation.ts"
import type { OrderRecord } from "./order.ts"
import type { RejectionClass } from "./outcome.ts"
import type { Purchase } from "./purchases.ts"

/** A wait after a refusal; `times` counts refusals in a row, so that waits can double. */
export interface Backoff {
  until: number
  times: number
}

/** That an occurrence was bought for, when (epoch milliseconds), and by which attempt. */
export interface HandledStart {
  at: number
  attempt: string
}

/** A signal that led to an `opened` entry. Times are epoch milliseconds. */
export interface SpentSignal {
  run: string
  /** seq of the `opened` entry. */
  seq: number
  /** When the attempt was opened. */
  at: number
  keepUntil: number
  /** Absent in entries of `v: 1`. */
  kind?: Signal["kind"]
}

/** How two policy hashes replaced each other. Times are epoch milliseconds. */
export interface PolicyChanges {
  /** The hash before the present one, and when it was last written. */
  before: { hash: string; at: number }
  /** Changes between these two hashes within the last hour, oldest first; at most 8. */
  at: number[]
  /** They alternated as two policy files for one supernode do. Over after 20 minutes of one file. */
  isConflict: boolean
}

/** What the chain of one supernode remembers: the folded state after its newest entry. */
export interface SupernodeState {
  attempt: OpenAttempt | null
  /** When the newest attempt was opened, whatever came of it. */
  openedAt: number | null
  /** Its id; absent in a chain that opened none since this is recorded. A plan names it, so that a plan serves once. */
  newestAttempt?: string
  /** When the newest purchase was complete: all its servers RUNNING. */
  completedAt: number | null
  /** Creation of the newest server that we did not buy. */
  foreignAt: number | null
  /** Ids of all servers known from the chain; null before the first look. */
  servers: string[] | null
  /** The servers of the newest completed purchase: their metrics are no evidence before warm-up ends. */
  newServers: string[]
  purchases: Purchase[]
  /** Signals by id that led to an `opened` entry, and where it is. Bounded: see `rememberSignal`. */
  signals: Record<string, SpentSignal>
  /**
   * Own time of the newest signal that `signals` had no room for: alarms and ticks up to that time are stale. Absent until
   * there were too many.
   */
  spentUntil?: number
  /** When an OK closed an alarm's episode, by the episode's key; for 20 minutes. Bounded: see `rememberEpisode`. */
  episodes: Record<string, { closedAt: number | null }>
  /** The newest close that `episodes` had no room for: older ALARMs are stale. Absent until there were too many. */
  episodesClosedAt?: number
  /** Rules with `repeat: false` whose proposal was bought, and when. */
  latches: Record<string, number>
  lastDecision: {
    at: number
    kind: "scale-up" | "hold"
    heldBy: string | null
    to: number | null
    /** Another plan of the same size is news to whoever is to approve it. */
    planHash: string | null
  } | null
  /** The policy hash of the newest entry, and since when; for arming. `unconfirmed`: no time was confirmed since then. */
  policySeen: { hash: string; since: number; unconfirmed?: true } | null
  /** Where in this chain policies are written out: hash -> seq, the newest few; not there before the first `v: 2` entry. */
  policies?: Record<string, number>
  /** How the policy hash changed within the last hour; absent until it changes, and after a `reset`. */
  policyChanges?: PolicyChanges
  /** Flavors that were refused for capacity. */
  blocked: Record<string, Backoff>
  throttle: Backoff | null
  breaker: { class: RejectionClass; since: number; says: string } | null
  /** Rules, and schedules as `schedule:NAME`, that an invalid order switched off until the policy's hash changes: name -> hash. */
  rulesOff: Record<string, string>
  /** Attempts that a person settled as absent, for a month: servers that appear later make one a late positive. */
  absent: OpenAttempt[]
  /** When people were last told of what, by `PendingAction.about`; not there in a chain that never told anybody. */
  told?: Record<string, NotificationRecord>
  /** Sources that ticks in a row found without data; not there while all have data. */
  blind?: Blindness
  /** Starts of schedules that were bought for, by schedule and local time; not there in a chain that never did. */
  acted?: Record<string, HandledStart>
  /** The newest accepted order as the billing service showed it; absent until one was read. */
  order?: OrderRecord
  /** What purchases that rules caused came to, oldest first, since a person's last reset; not there before the first one. */
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

/** When the newest purchase that may have cost money was requested; null without one. */
export function requestedAt(state: SupernodeState): number | null {
  return state.purchases.reduce<number | null>((newest, { at }) => Math.max(newest ?? at, at), null)
}
