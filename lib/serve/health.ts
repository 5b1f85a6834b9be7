import type { App } from "../app/app.ts"
import { whyUnusable } from "../decision/gates/ledger.ts"
import { type Control, NO_CONTROL } from "../decision/state/control.ts"
import { type Clock, LedgerBehindError } from "../ports.ts"
import type { Timer } from "./timer.ts"

/** Lifetime of one check of the ledger; more frequent calls get the same result. */
const KEEP_MS = 1_000
const MAX_WAIT_MS = 2_000

/** Lifetime of a successful write check. It is longer, since each check costs a write to the store. */
const KEEP_WRITABLE_MS = 30_000

export interface HealthParts {
  app: Pick<App, "ledger" | "policies">
  clock: Pick<Clock, "monotonic">
  timer: Timer
}

/** Readability of the ledger, checked at most once a second. */
export class LedgerHealth {
  readonly #parts: HealthParts
  #look: { isOk: Promise<boolean>; at: number } | null = null
  #proof: { reasons: Promise<string[]>; until: number } | null = null

  constructor(parts: HealthParts) {
    this.#parts = parts
  }

  isReadable(): Promise<boolean> {
    const now = this.#parts.clock.monotonic()
    if (!this.#look || now - this.#look.at >= KEEP_MS) this.#look = { isOk: this.#isReadable(), at: now }
    return this.#look.isOk
  }

  /** Reasons why runs cannot rely on the ledger now; empty if they can. */
  async reasons(): Promise<string[]> {
    if (!(await this.isReadable())) return ["the ledger cannot be read"]
    const now = this.#parts.clock.monotonic()
    if (!this.#proof || now >= this.#proof.until) {
      const reasons = this.#atMost(this.#reasons(), ["the ledger did not respond in time"])
      const proof = { reasons, until: now + KEEP_MS }
      this.#proof = proof
      // Problems are kept only for `KEEP_MS`, so that a repair shows soon.
      if ((await reasons).length === 0) proof.until = now + KEEP_WRITABLE_MS
    }
    return this.#proof.reasons
  }

  async #reasons(): Promise<string[]> {
    const { ledger, policies } = this.#parts.app
    try {
      const head = await ledger.head("control")
      const control = { state: "read" as const, value: head ? (head.standing as Control) : NO_CONTROL }
      const unusable = whyUnusable(control, policies.ledgerId)
      if (unusable) return [`${unusable.reason}: ${unusable.says}`]
      await ledger.checkWritable()
      return []
    } catch (error) {
      if (error instanceof LedgerBehindError) return ["ledger-behind: the ledger was rolled back or replaced"]
      return ["the ledger cannot be written"]
    }
  }

  #isReadable(): Promise<boolean> {
    const read = this.#parts.app.ledger.head("control").then(
      () => true,
      (error: unknown) => error instanceof LedgerBehindError,
    )
    return this.#atMost(read, false)
  }

  async #atMost<T>(work: Promise<T>, otherwise: T): Promise<T> {
    let cancel = (): void => undefined
    const tooLong = new Promise<T>((resolve) => {
      cancel = this.#parts.timer.after(MAX_WAIT_MS, () => resolve(otherwise))
    })
    return Promise.race([work, tooLong]).finally(cancel)
  }
}
