import type { RunFacts } from "../app/run-facts.ts"
import { BLIND_TICKS } from "../decision/state/blindness.ts"

/** Readability of the cloud in the newest ticks. */
export class CloudHealth {
  /** Of the newest ticks, whether each wanted to read and could not. */
  #isBlind: boolean[] = []

  /** One tick is over; `error` where it failed. */
  tickEnded({ facts, error }: { facts: readonly RunFacts[]; error?: unknown }): void {
    this.#isBlind = [...this.#isBlind, isBlind(facts, error)].slice(-BLIND_TICKS)
  }

  /** Without addresses and names: anyone may ask. */
  reasons(): string[] {
    return this.#isBlind.filter(Boolean).length === BLIND_TICKS
      ? [`cloud-unreadable: nothing of the cloud was readable in the last ${BLIND_TICKS} ticks (see the log)`]
      : []
  }
}

/** A run asks for anything else of the cloud only once its supernode was read. A tick that needs no read is not blind. */
function isBlind(facts: readonly RunFacts[], error: unknown): boolean {
  const reads = facts.flatMap(({ sources }) => sources["supernode"] ?? [])
  if (reads.length > 0) return reads.every(({ readAt }) => readAt === null)
  // It failed before its first run, for example because there are no keys.
  return facts.length === 0 && error !== undefined
}
