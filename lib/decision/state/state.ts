import type { Decision } from "../decision.ts"
import type { Money } from "../policy/money.ts"
import type { Cause, Effect } from "./effect.ts"
import type { Acted, Occurrence } from "./handled-starts.ts"
import type { RejectionClass } from "./outcome.ts"

/**
 * Where the newest attempt stands.
 *
 *   open ──settled──▶ accepted ──all run──▶ (closed: completed)
 *    │ past its deadline   │ ├─ fewer ────▶ partial ┐
 *    ▼                     │ ├─ other ────▶ wrong   ├── hold until a person settles
 *   unknown ◀──settled     │ └─ 45 min ───▶ stuck   ┘
 *    └─ a person: accepted │ completed │ absent      rejected, not-sent, absent ──▶ (closed, money released)
 */
export type AttemptState = "open" | "accepted" | "unknown" | "stuck" | "partial" | "wrong"

/** The newest attempt, as long as it is not closed. All times are epoch milliseconds. */
export interface StandingAttempt {
  id: string
  run: string
  state: AttemptState
  /** Why it is in this state, in a sentence. */
  says: string
  /** seq of its `opened` entry. */
  seq: number
  openedAt: number
  /** No byte of the request leaves after this. */
  sendBefore: number
  /** sendBefore + the request's timeout: an attempt that is open later than this is unknown. */
  deadline: number
  acceptedAt: number | null
  flavor: string
  from: number
  to: number
  cost: Money | null
  /** Ids of the servers that were present before the purchase. */
  before: string[]
  orderId: string | null
  rules: string[]
  /** Of these, the ones that are latched by it (`repeat: false`). */
  latching: string[]
  /** The starts of schedules that it acts for; only where there are any. */
  schedules?: Occurrence[]
  /** Why rules wanted it; only where the policy asks whether purchases help. */
  cause?: Cause
}

/** An attempt that may have cost money; kept as long as any window can count it. */
export interface Purchase {
  attempt: string
  at: number
  cost: Money | null
  state: "reserved" | "booked"
}

/** A wait after a refusal; `times` counts refusals in a row, so that waits can double. */
export interface Backoff {
  until: number
  times: number
}

/** The try to buy that an `opened` entry begins and a `settled` one ends. */
export interface AttemptRecord {
  id: string
  openedAt: number
  sendBefore: number
  deadline: number
}

/** That people were told of something. */
export interface Told {
  /** Epoch milliseconds. */
  at: number
  /** The entry of this chain that states what they were told; null: the one that records the telling. */
  entry: { seq: number; hash: string } | null
}

/** What a run noticed without deciding anything, and that it is `telling` people, or that they were `not-told` after all. */
export interface Observation {
  kind:
    | "completed"
    | "partial"
    | "wrong"
    | "stuck"
    | "unknown"
    | "accepted"
    | "out-of-band"
    | "effect"
    | "lapsed"
    | "telling"
    | "not-told"
  says: string
  attempt: string | null
  /** Servers it is about. */
  servers: string[]
  /** All servers that were there; null where nobody looked. */
  present: string[] | null
  /** When it happened by the cloud's times: completion, or the newest foreign server's creation. */
  at: number
  /** What people are being told (`Telling.about`), and where it is stated. */
  telling?: { about: string; entry: Told["entry"] }
  /** What the purchase did to the metric that caused it. */
  effect?: { after: number; gain: number }
}

/** What the chain of one supernode remembers: the folded state after its newest entry. */
export interface Standing {
  attempt: StandingAttempt | null
  /** When the newest attempt was opened, whatever came of it. */
  openedAt: number | null
  /** When the newest purchase was complete: all its servers RUNNING. */
  completedAt: number | null
  /** Creation of the newest server that we did not buy. */
  foreignAt: number | null
  /** Ids of all servers known from the chain; null before the first look. */
  servers: string[] | null
  /** The servers of the newest completed purchase: their metrics are no evidence before warm-up ends. */
  newServers: string[]
  purchases: Purchase[]
  /** Recent signals by id, and where their first result is. */
  signals: Record<string, { run: string; seq: number; at: number; keepUntil: number }>
  /** Alarm episodes by key: opened by ALARM, closed by OK. */
  episodes: Record<string, { openedAt: number | null; closedAt: number | null }>
  /** Rules with `repeat: false` whose proposal was bought, and when. */
  latches: Record<string, number>
  lastDecision: {
    at: number
    kind: Decision["kind"]
    heldBy: string | null
    to: number | null
    /** Another plan of the same size is news to whoever is to approve it. */
    planHash: string | null
  } | null
  /** The policy hash of the newest entry, and since when; for arming. */
  policySeen: { hash: string; since: number } | null
  /** Flavors that were refused for capacity. */
  blocked: Record<string, Backoff>
  throttle: Backoff | null
  breaker: { class: RejectionClass; since: number; says: string } | null
  /** Rules, and schedules as `schedule:NAME`, that an invalid order switched off until the policy's hash changes: name -> hash. */
  rulesOff: Record<string, string>
  /** Attempts that a person settled as absent, for a month: servers that appear later make one a late positive. */
  absent: StandingAttempt[]
  /** When people were last told of what, by `Telling.about`; not there in a chain that never told anybody. */
  told?: Record<string, Told>
  /** Starts of schedules that were bought for, by schedule and local time; not there in a chain that never did. */
  acted?: Record<string, Acted>
  /** What purchases that rules caused came to, oldest first, since a person's last reset; not there before the first one. */
  effects?: Effect[]
}

export const EMPTY_STANDING: Standing = {
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
export function requestedAt(standing: Standing): number | null {
  return standing.purchases.reduce<number | null>((newest, { at }) => Math.max(newest ?? at, at), null)
}
