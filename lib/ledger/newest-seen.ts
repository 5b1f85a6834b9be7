import { LedgerBehindError } from "../ports.ts"
import type { LedgerEntry } from "./entry.ts"
import { controlOf } from "./next-entry.ts"
import { CHAIN_START, type Link } from "./verify.ts"

/**
 * Newest entry that this process saw of each stream. Entries are never removed, so a store without that entry
 * was rolled back or replaced. A purchase may be missing from such a store.
 */
export class NewestSeen {
  readonly #links = new Map<string, Link>()
  /** Time of the newest `ledger restored` that this process knows, in epoch milliseconds; null if none. */
  #restoredAt: number | null = null

  get restoredAt(): number | null {
    return this.#restoredAt
  }

  of(stream: string): Link {
    return this.#links.get(stream) ?? CHAIN_START
  }

  remember({ stream, seq, hash }: LedgerEntry): void {
    if (seq > this.of(stream).seq) this.#links.set(stream, { seq, hash })
  }

  /**
   * True if `control` has a newer restore than this process knows; then it forgets all entries. From then on
   * `ledger-restored` holds until operators confirm. An older restore changes nothing: it comes with an old
   * backup, and operators confirmed it long before that backup was restored.
   */
  learnRestore(control: LedgerEntry | undefined): boolean {
    const at = controlOf(control).restored?.at ?? null
    if (at === null || at <= (this.#restoredAt ?? -Infinity)) return false
    this.#restoredAt = at
    this.#links.clear()
    return true
  }
}

export function behindError(stream: string, floor: Link, head: LedgerEntry | undefined): LedgerBehindError {
  const now =
    head === undefined || head.seq < floor.seq
      ? `it ends at #${head?.seq ?? 0}`
      : `that number has another entry (newest now: #${head.seq}, ${head.hash})`
  return new LedgerBehindError(
    `the ledger was rolled back or replaced: this process saw entry #${floor.seq} of ${stream} (${floor.hash}), and now ${now}`,
  )
}
