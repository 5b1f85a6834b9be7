import type { Settings } from "../app/settings.ts"
import type { Clock } from "../ports.ts"

/** Kept for writing outcomes and closing files, beyond the longest that a purchase may take. */
const RESERVE_MS = 30_000

/** Maximum time of a stop: until the latest moment to send, the answer's timeout, and its record. */
function graceMsOf({ sendWithinMs, buyTimeoutMs }: Settings): number {
  return sendWithinMs + buyTimeoutMs + RESERVE_MS
}

/**
 * Time that a run has left. Endless, until the stop: from then on it is just too little to begin a purchase with
 * (`no-time`), and enough to see one through that began before.
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
    // Without the reserve it is less than a purchase needs from its first line in the ledger to its last.
    return Math.max(0, this.graceMs - RESERVE_MS - (this.#clock.monotonic() - this.#stoppedAt))
  }
}
