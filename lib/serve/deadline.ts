import type { Settings } from "../app/settings.ts"
import type { Clock } from "../ports.ts"

/** Reserved for writing outcomes and closing files, in addition to the longest purchase. */
const RESERVE_MS = 30_000

/** Maximum duration of a stop: time to send, timeout of the answer, and time to record it. */
function graceMsOf({ sendWithinMs, buyTimeoutMs }: Settings): number {
  return sendWithinMs + buyTimeoutMs + RESERVE_MS
}

/**
 * Remaining time of a run. It is infinite until the stop. From then on it is too short to begin a purchase
 * (`no-time`), but long enough to finish one that has begun.
 */
export class Deadline {
  readonly graceMs: number
  readonly #clock: Pick<Clock, "monotonic">
  #stoppedAt: number | null = null

  constructor(settings: Settings, clock: Pick<Clock, "monotonic">) {
    this.graceMs = graceMsOf(settings)
    this.#clock = clock
  }

  begin(): void {
    this.#stoppedAt ??= this.#clock.monotonic()
  }

  remainingMs(): number {
    if (this.#stoppedAt === null) return Number.POSITIVE_INFINITY
    // Without the reserve, it is shorter than a purchase needs from its first ledger entry to its last.
    return Math.max(0, this.graceMs - RESERVE_MS - (this.#clock.monotonic() - this.#stoppedAt))
  }
}
