import type { LoadedPolicy } from "../../lib/decision/policy/loaded-policy.ts"
import { digest } from "../../lib/digest.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import type { SimulatedSupernode } from "./supernode.ts"

// Small worlds in which every second machine has another policy file for the same supernodes, until faults
// are over.

const MINUTE = 60_000

/** True for seeds 960 to 999 of each thousand, so that the earlier worlds stay the same. */
export function hasTwoFiles(seed: number): boolean {
  return seed % 1_000 >= 960
}

/** The same limits under another hash, so that all other checks apply to both files. */
export function otherFile({ policy, loaded }: SimulatedSupernode): LoadedPolicy {
  // A policy that is never in use for long would not become armed.
  if (policy.armAfterMs > 0) return loaded
  const other = { ...policy, alarms: [...policy.alarms, { "cloud-eye": "alOfTheOtherFile" }] }
  return { ...loaded, policy: other, hash: digest(other) }
}

/** Changes between policy files in one chain, and whether an attempt may be opened. */
export class FileTurns {
  #newest: string | null = null
  /** Times of the changes since the last reset, by the entries' dates. */
  #changes: number[] = []

  stored({ said, policyHash, at }: LedgerEntry): void {
    if (said?.verb === "reset") this.#changes = []
    if (policyHash === undefined || policyHash === this.#newest) return
    if (this.#newest !== null) this.#changes.push(at)
    this.#newest = policyHash
  }

  /**
   * Reason why an attempt that was opened at that time was wrong: the files alternated three times within an
   * hour. Tolerates a minute each way. Returns `null` if there is no reason, or if clocks disagree about the
   * order of the changes.
   */
  whyNot(openedAt: number): string | null {
    const last = this.#changes.at(-1)
    if (last === undefined || openedAt < last || openedAt - last > 19 * MINUTE) return null
    const recent = this.#changes.slice(this.#changes.findIndex((at) => at > last - 59 * MINUTE))
    const isOrdered = this.#changes.every((at, i) => i === 0 || at >= (this.#changes[i - 1] ?? 0))
    const [first = last] = recent
    if (!isOrdered || recent.length < 3 || last - first < 16 * MINUTE) return null
    return `two policy files took turns ${recent.length} times within an hour, the last time ${Math.round((openedAt - last) / MINUTE)} minutes before`
  }
}
