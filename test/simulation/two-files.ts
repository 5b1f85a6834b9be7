import type { LoadedPolicy } from "../../lib/decision/policy/loaded-policy.ts"
import { digest } from "../../lib/digest.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import type { SimulatedSupernode } from "./supernode.ts"

// Small worlds in which every other machine has another policy file for the same supernodes, until all is
// calm.

const MINUTE = 60_000

/** Seeds 960 to 999 of each thousand: the earlier worlds stay the same. */
export function hasTwoFiles(seed: number): boolean {
  return seed % 1_000 >= 960
}

/** The same limits under another hash, so that all other checks apply to both files. */
export function otherFile({ policy, loaded }: SimulatedSupernode): LoadedPolicy {
  // A file that is never in force for long would stay unarmed.
  if (policy.armAfterMs > 0) return loaded
  const other = { ...policy, alarms: [...policy.alarms, { "cloud-eye": "alOfTheOtherFile" }] }
  return { ...loaded, policy: other, hash: digest(other) }
}

/** Entries of each policy file in one chain, and whether an order may be sent now. */
export class FileTurns {
  #newest: string | null = null
  /** Times of the changes since the last reset, as the entries are dated. */
  #changes: number[] = []

  stored({ said, policyHash, at }: LedgerEntry): void {
    if (said?.verb === "reset") this.#changes = []
    if (policyHash === undefined || policyHash === this.#newest) return
    if (this.#newest !== null) this.#changes.push(at)
    this.#newest = policyHash
  }

  /**
   * Reason why an order opened at that time was wrong: the files alternated three times within an hour. It
   * allows a minute each way, and gives none if clocks disagree about the order of the changes.
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
