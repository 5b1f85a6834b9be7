import type { Clock } from "../ports.ts"
import type { NextTime } from "./cron.ts"
import type { Timer } from "./timer.ts"

/** A tick this late is skipped: the machine slept, or had no time at all. */
const MAX_LATE_MS = 60_000
/** A machine that slept is awake again for at most this long before its clock is looked at. */
const LONGEST_NAP_MS = 30_000

/** Why a tick did not happen. `at` is when it was meant to. */
export type SkippedTick = { at: number; why: "running" | "missed" }

export interface TickerParts {
  next: NextTime
  clock: Pick<Clock, "now">
  timer: Timer
  /** One tick, by the time it was meant for. Never rejects. */
  tick(at: number): Promise<void>
  skipped(tick: SkippedTick): void
}

/**
 * Ticks by the wall clock, one at a time. The scheduled instant is the tick's identity, so it is handed on instead of the
 * present; what was missed is not made up for, since the next tick looks at the present anyway.
 */
export class Ticker {
  readonly #parts: TickerParts
  #next: NextTime
  #due: number | null = null
  /** The latest that the clock ever said. */
  #seen = Number.NEGATIVE_INFINITY
  #isRunning = false
  #cancel: () => void = () => undefined

  constructor(parts: TickerParts) {
    this.#parts = parts
    this.#next = parts.next
  }

  /** When the next tick is due; null: never, or not started. */
  get due(): number | null {
    return this.#due
  }

  /** Starts, or goes on by another schedule. */
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
    // Set back by an hour, the clock would not reach the planned time for an hour.
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

  /** The newest scheduled time that is not too late; null: all of them are. */
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
