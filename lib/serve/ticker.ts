import type { Clock } from "../ports.ts"
import type { NextTime } from "./cron.ts"
import type { Timer } from "./timer.ts"

/** A tick that is later than this is skipped: the machine was asleep or overloaded. */
const MAX_LATE_MS = 60_000
/** Maximum time between two checks of the clock, so that a sleep of the machine is noticed soon after it. */
const LONGEST_NAP_MS = 30_000

/** A tick that did not run, and the reason. `at` is its scheduled time. */
export type SkippedTick = { at: number; why: "running" | "missed" }

export interface TickerParts {
  next: NextTime
  clock: Pick<Clock, "now">
  timer: Timer
  /** Runs one tick; `at` is its scheduled time. Never rejects. */
  tick(at: number): Promise<void>
  skipped(tick: SkippedTick): void
}

/**
 * Runs ticks by the wall clock, one at a time. The scheduled time is the tick's identity, so it is passed on
 * instead of the current time. Missed ticks are not run later, since the next tick reads the current state
 * anyway.
 */
export class Ticker {
  readonly #parts: TickerParts
  #next: NextTime
  #due: number | null = null
  /** The last time read from the clock. If the clock shows less, it was set back. */
  #seen = Number.NEGATIVE_INFINITY
  #isRunning = false
  #cancel: () => void = () => undefined

  constructor(parts: TickerParts) {
    this.#parts = parts
    this.#next = parts.next
  }

  /** Time of the next tick, epoch milliseconds; `null` if there is none, or if the ticker is not running. */
  get due(): number | null {
    return this.#due
  }

  /** Starts, or continues with another schedule. */
  start(next: NextTime = this.#next): void {
    this.#next = next
    this.#plan()
  }

  stop(): void {
    this.#cancel()
    this.#due = null
  }

  #plan(): void {
    this.#seen = this.#parts.clock.now()
    this.#due = this.#next(this.#seen)
    this.#nap()
  }

  #nap(): void {
    this.#cancel()
    if (this.#due === null) return
    const { clock, timer } = this.#parts
    const ms = Math.min(Math.max(this.#due - clock.now(), 1), LONGEST_NAP_MS)
    this.#cancel = timer.after(ms, () => this.#wake())
  }

  #wake(): void {
    const now = this.#parts.clock.now()
    const due = this.#due
    if (due === null) return
    // If the clock was set back by an hour, it would reach the planned time an hour late. So plan again.
    if (now < this.#seen) this.#plan()
    else if (now < due) {
      this.#seen = now
      this.#nap()
    } else this.#wakeFor(due, now)
  }

  #wakeFor(due: number, now: number): void {
    this.#plan()
    const at = this.#newestDue(due, now)
    if (at !== due) this.#parts.skipped({ at: due, why: "missed" })
    if (at !== null) this.#tick(at)
  }

  /** The newest scheduled time that is not too late; `null` if all are too late. */
  #newestDue(due: number, now: number): number | null {
    let newest = now - due <= MAX_LATE_MS ? due : this.#next(now - MAX_LATE_MS - 1)
    if (newest === null || newest > now) return null
    for (;;) {
      const later = this.#next(newest)
      if (later === null || later > now) return newest
      newest = later
    }
  }

  #tick(at: number): void {
    if (this.#isRunning) {
      this.#parts.skipped({ at, why: "running" })
      return
    }
    this.#isRunning = true
    void this.#parts.tick(at).finally(() => {
      this.#isRunning = false
    })
  }
}
