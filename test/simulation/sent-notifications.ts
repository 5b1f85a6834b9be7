import type { SupernodeState } from "../../lib/decision/state/state.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import type { Notification } from "../../lib/ports.ts"
import type { World } from "./world.ts"

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** The shortest wait after a failed delivery. */
const RETRY_MS = 5 * MINUTE

interface Claim {
  at: number
  dueAt: number
  isTold: boolean
}

/** The states of one entry that wait for operators. */
interface Stated {
  hash: string
  waits: Waits
}

type Waits = Pick<SupernodeState, "attempt" | "breaker">

/**
 * Checks notifications of waiting states: each is recorded first, sent once per record, at most hourly, and
 * cites the entry that states it. After faults, no state waits without a notification. Deliveries are
 * observed at the webhook.
 */
export class SentNotifications {
  readonly #claims = new Map<string, Claim[]>()
  readonly #stated = new Map<string, Stated[]>()
  /** True time at which a notification about each stream's waiting state was last recorded. */
  readonly #claimedAt = new Map<string, number>()
  /**
   * True time of the last delivery for each stream: the webhook may be down, or the worker may die before.
   */
  readonly #heard = new Map<string, number>()
  /** The waiting state of a stream, and its start in true time. */
  readonly #waiting = new Map<string, { what: string; since: number }>()

  constructor(private readonly world: World) {}

  /** An entry of a supernode's chain. */
  stored({ stream, standing, hash, at, observation }: LedgerEntry): void {
    const { attempt, breaker } = standing as SupernodeState
    const stated = this.#stated.get(stream) ?? []
    stated.push({ hash, waits: { attempt, breaker } })
    this.#stated.set(stream, stated)
    const what = whatWaits({ attempt, breaker })
    if (what === null) this.#waiting.delete(stream)
    else if (this.#waiting.get(stream)?.what !== what)
      this.#waiting.set(stream, { what, since: this.world.scheduler.now })
    if (observation?.kind === "telling" && observation.telling)
      this.#claimed({ stream, about: observation.telling.about, at })
    if (observation?.kind === "not-told" && observation.telling)
      this.#failed({ stream, about: observation.telling.about, at })
  }

  /** After a failed delivery, the next one is due after a wait that doubles up to an hour. */
  #failed({ stream, about, at }: { stream: string; about: string; at: number }): void {
    const last = this.#claims.get(`${stream} ${about}`)?.at(-1)
    if (last) last.dueAt = at + RETRY_MS
  }

  #claimed({ stream, about, at }: { stream: string; about: string; at: number }): void {
    const { scheduler, watch } = this.world
    // A notification about a blind source says nothing about a waiting attempt.
    if (!about.startsWith("blind ")) this.#claimedAt.set(stream, scheduler.now)
    const claims = this.#claims.get(`${stream} ${about}`) ?? []
    const last = claims.at(-1)
    // If `at` is earlier, a fast clock dated the previous notification, and a reset has corrected that.
    if (last && at >= last.at && at < last.dueAt)
      watch.broken(
        "told-hourly",
        `${about} was notified ${Math.round((at - last.at) / MINUTE)} minutes after the last time`,
      )
    claims.push({ at, dueAt: at + HOUR, isTold: false })
    this.#claims.set(`${stream} ${about}`, claims)
  }

  /** A delivery to the webhook, which may be down. */
  heard(
    { about, state, attempt, entry: { stream, seq, hash } }: Notification,
    { isDown }: { isDown: boolean },
  ): void {
    const { watch, scheduler } = this.world
    if (!isDown && state !== "blind") this.#heard.set(stream, scheduler.now)
    // The record of the notification may be a lost entry.
    if (scheduler.now < watch.forgotAt + HOUR) return
    const claim = this.#claims.get(`${stream} ${about}`)?.find(({ isTold }) => !isTold)
    if (claim) claim.isTold = true
    else watch.broken("told-once-on-record", `${about} was notified, and no entry of its own says so`)
    const stated = this.#stated.get(stream)?.[seq - 1]
    if (stated?.hash !== hash)
      watch.broken("told-as-stated", `${about} was notified by ${stream}#${seq}, which is another entry`)
    else if (!statesIt(stated.waits, { state, attempt }))
      watch.broken("told-as-stated", `${about} was notified by ${stream}#${seq}, which does not state it`)
  }

  /** True if operators were notified of the present waiting state. */
  isHeard(stream: string): boolean {
    const { since } = this.#waiting.get(stream) ?? { since: Infinity }
    return (this.#heard.get(stream) ?? -Infinity) >= since
  }

  /** After faults, the next tick notifies of every waiting state, and later ticks at least hourly. */
  check(): void {
    const { watch, scheduler, calmFrom, tickMs } = this.world
    const patience = tickMs + 5 * MINUTE
    for (const [stream, { what, since }] of this.#waiting) {
      const from = Math.max(since, calmFrom)
      const isUntold = (this.#claimedAt.get(stream) ?? -Infinity) < from - HOUR
      const heardAt = Math.max(from, this.#heard.get(stream) ?? -Infinity)
      const silentMs = scheduler.now - (isUntold ? from : heardAt + HOUR)
      if (silentMs > patience)
        watch.broken("nobody-waits-in-silence", `${what} waits since ${new Date(since).toISOString()}`)
    }
  }
}

function whatWaits({ attempt, breaker }: Waits): string | null {
  if (attempt) return ["open", "accepted"].includes(attempt.state) ? null : `${attempt.id} ${attempt.state}`
  return breaker ? `breaker ${breaker.class}` : null
}

/** Approvals and efficacy come from decisions, not from the state alone. */
function statesIt(
  { attempt, breaker }: Waits,
  notification: Pick<Notification, "state" | "attempt">,
): boolean {
  switch (notification.state) {
    case "breaker":
      return breaker !== null
    case "efficacy":
    case "approval-needed":
    case "purchase":
    case "order-unpaid":
    case "order-differs":
    case "order-unreadable":
    case "blind":
    case "policy-refused":
    case "daily":
      return true
    case "unknown":
    case "stuck":
    case "partial":
    case "wrong":
      return attempt?.id === notification.attempt && attempt?.state === notification.state
    default:
      return notification.state satisfies never
  }
}
