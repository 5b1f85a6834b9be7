import { ledgerOver } from "../../../lib/ledger/chain.ts"
import type { LedgerStore, RawEntry } from "../../../lib/ledger/store.ts"
import { initialised } from "../../ledger/initialised.ts"
import { Chains } from "../../world/chains.ts"
import { storeOver } from "../../world/store.ts"
import type { Process } from "./process.ts"

// The record store: strongly consistent, with conditional writes, behind the same faulty network for all
// patterns.

/** One request to the store under the script's current faults. */
function askStore<T>(process: Process, effect: () => T, isWrite: boolean): Promise<T> {
  const { world } = process
  return process.ask(() => {
    if (world.storeIsDownUntil > world.now) throw new Error("connection refused")
    const answer = effect()
    if (isWrite && world.storeLosesAnswers) throw new Error("socket hang up")
    return answer
  })
}

const SDK_TRIES = 3

/** Keys and values for the references, through a client that tries three times, as Amazon's does. */
export class Records {
  readonly #kept = new Map<string, unknown>()

  get<T>(process: Process, key: string): Promise<T | undefined> {
    return this.#ask(process, () => this.#kept.get(key) as T | undefined, false)
  }

  /** Writes if the condition is true for the stored value. Returns true if it wrote. */
  put<T>(
    process: Process,
    { key, value, condition = () => true }: { key: string; value: T; condition?: (old?: T) => boolean },
  ): Promise<boolean> {
    const write = () => {
      const holds = condition(this.#kept.get(key) as T | undefined)
      if (holds) this.#kept.set(key, value)
      return holds
    }
    return this.#ask(process, write, true)
  }

  delete<T>(process: Process, key: string, condition: (old: T) => boolean = () => true): Promise<void> {
    const remove = () => {
      if (this.#kept.has(key) && condition(this.#kept.get(key) as T)) this.#kept.delete(key)
    }
    return this.#ask(process, remove, true)
  }

  async #ask<T>(process: Process, effect: () => T, isWrite: boolean): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await askStore(process, effect, isWrite)
      } catch (error) {
        if (tries === SDK_TRIES) throw error
        await process.wait(100 * tries)
      }
    }
  }
}

/**
 * The chains of the ledger, under the same faults. lib/ledger/chain.ts works without a client's own retries.
 */
export class LedgerStores {
  readonly #chains = new Chains<RawEntry>()
  /** The store without faults, for operators, who come after the faults have ended. */
  readonly truth: LedgerStore = storeOver(this.#chains)

  /** Initialises the ledger, as an operator does. */
  async begin(at: number): Promise<void> {
    await initialised(ledgerOver(this.truth), at)
  }

  seenBy(process: Process): LedgerStore {
    return storeOver(this.#chains, {
      ask: (_what, effect) => askStore(process, effect, false),
      append: (_what, effect) => askStore(process, effect, true),
    })
  }
}
