import type { SupernodeState } from "../../lib/decision/state/state.ts"
import { entryText, type LedgerEntry } from "../../lib/ledger/entry.ts"
import { stateOf } from "../../lib/ledger/next-entry.ts"
import type { LedgerStore, RawEntry } from "../../lib/ledger/store.ts"
import { Chains, type Copy } from "../world/chains.ts"
import { type Appended, storeOver } from "../world/store.ts"
import type { Process } from "./machine.ts"
import { trustedEntry } from "./trusted.ts"
import type { World } from "./world.ts"

/** Called for every entry when it is stored, in true order. */
export type OnStored = (entry: LedgerEntry, raw: RawEntry) => void

/**
 * A strongly consistent store behind a bad network. It is slow, fails before or after its effect, writes
 * late, reports a conflict for its own write, and is sometimes away for hours.
 */
export class SimulatedStore extends Chains<RawEntry> {
  awayUntil = 0

  constructor(
    private readonly world: World,
    private readonly onStored: OnStored,
  ) {
    super()
  }

  /** Stores the first entry, before any fault, as `ledger init` does. */
  begin(entry: LedgerEntry): void {
    this.append(entry.stream, { seq: entry.seq, text: entryText(entry) })
  }

  override append(stream: string, raw: RawEntry): Appended {
    const isAnywhere = this.world.broken?.storeIgnoresCondition === true
    const answer = super.append(stream, raw, { isAnywhere })
    if (answer === "appended") this.onStored(trustedEntry(stream, raw), raw)
    return answer
  }

  stateOf(stream: string): SupernodeState | null {
    const raw = this.newest(stream)
    return raw ? stateOf(trustedEntry(stream, raw)) : null
  }

  override restore(copy: Copy<RawEntry>): void {
    super.restore(copy)
    this.world.watch.forgetBut(copy)
  }

  /** The store without a network, for an operator's command before any worker can reach it. */
  direct(): LedgerStore {
    return storeOver(this)
  }

  /** All stored entries, for checks at the end. */
  truth(): LedgerStore {
    return { ...this.direct(), append: async () => "conflict" }
  }

  seenBy(process: Process): LedgerStore {
    const ask = <T>(what: string, effect: () => T) =>
      process.ask(what, { ...this.#travel(), effect: () => this.#reached(effect) })
    const store = storeOver(this, {
      ask: (what, effect) => ask(what, () => this.#mayFail(effect)),
      append: (what, effect) => ask(what, () => this.#append(effect)),
    })
    return {
      ...store,
      async head(stream) {
        const raw = await store.head(stream)
        if (raw) process.seen.set(stream, Math.max(raw.seq, process.seen.get(stream) ?? 0))
        return raw
      },
    }
  }

  #travel(): { thereMs: number; backMs: number } {
    const { random, weather } = this.world
    const slowest = random.chance(weather.storeIsSlow) ? 60_000 : 40
    return { thereMs: random.spread(2, slowest), backMs: random.spread(2, slowest) }
  }

  #reached<T>(effect: () => T): T {
    if (this.awayUntil > this.world.scheduler.now) throw new Error("the store is away")
    return effect()
  }

  #mayFail<T>(effect: () => T): T {
    if (this.world.random.chance(this.world.weather.storeFails)) throw new Error("connection refused")
    return effect()
  }

  #append(write: () => Appended): Appended {
    const { random, scheduler, weather } = this.world
    const ending = random.next()
    let bound = weather.storeFails
    if (ending < bound) throw new Error("connection refused")
    bound += weather.storeLosesAnswer
    if (ending < bound) {
      write()
      throw new Error("socket hang up")
    }
    bound += weather.storeWritesLate
    if (ending < bound) {
      scheduler.after(random.spread(50, 120_000), write)
      throw new Error("timed out")
    }
    bound += weather.storeSaysConflict
    const answer = write()
    return ending < bound ? "conflict" : answer
  }
}
