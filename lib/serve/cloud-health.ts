import type { RunFacts } from "../app/run-facts.ts"
import { BLIND_TICKS } from "../decision/state/blindness.ts"

/** Readability of the cloud in the newest ticks. */
export class CloudHealth {
  /** For each of the newest ticks: true if it had to read the cloud and could not. */
  #isBlind: boolean[] = []

  /** Records an ended tick; `error` is present if it failed. */
  tickEnded({ facts, error }: { facts: readonly RunFacts[]; error?: unknown }): void {
    this.#isBlind = [...this.#isBlind, isBlind(facts, error)].slice(-BLIND_TICKS)
  }

  /** Reasons why the process is not ready. They have no addresses and names, since no token is needed. */
  reasons(): string[] {
    return this.#isBlind.filter(Boolean).length === BLIND_TICKS
      ? [`cloud-unreadable: the cloud could not be read in the last ${BLIND_TICKS} ticks (see the log)`]
      : []
  }
}

/** A run reads its supernode first, so only these reads count. A tick that needs no read is not blind. */
function isBlind(facts: readonly RunFacts[], error: unknown): boolean {
  const reads = facts.flatMap(({ sources }) => sources["supernode"] ?? [])
  if (reads.length > 0) return reads.every(({ readAt }) => readAt === null)
  // The tick failed before its first run, for example because the keys are missing.
  return facts.length === 0 && error !== undefined
}
