import type { App } from "../app/app.ts"
import type { Clock } from "../ports.ts"
import type { Timer } from "./timer.ts"

/** How long one look at the ledger counts: whoever asks more often learns nothing newer. */
const KEEP_MS = 1_000
const MOST_WAIT_MS = 2_000

export interface HealthParts {
  app: Pick<App, "ledger">
  clock: Pick<Clock, "monotonic">
  timer: Timer
}

/** Whether the ledger can be read, looked at once a second at most. */
export class LedgerHealth {
  readonly #parts: HealthParts
  #look: { isOk: Promise<boolean>; at: number } | null = null

  constructor(parts: HealthParts) {
    this.#parts = parts
  }

  isReadable(): Promise<boolean> {
    const now = this.#parts.clock.monotonic()
    if (!this.#look || now - this.#look.at >= KEEP_MS) this.#look = { isOk: this.#isReadable(), at: now }
    return this.#look.isOk
  }

  async #isReadable(): Promise<boolean> {
    const { app, timer } = this.#parts
    let cancel = (): void => undefined
    const tooLong = new Promise<boolean>((resolve) => {
      cancel = timer.after(MOST_WAIT_MS, () => resolve(false))
    })
    const read = app.ledger.head("control").then(
      () => true,
      () => false,
    )
    return Promise.race([read, tooLong]).finally(cancel)
  }
}
