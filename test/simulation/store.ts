import type { SupernodeState } from "../../lib/decision/state/state.ts"
import { entryText, type LedgerEntry } from "../../lib/ledger/entry.ts"
import { stateOf } from "../../lib/ledger/next-entry.ts"
import type { LedgerStore, RawEntry } from "../../lib/ledger/store.ts"
import { Chains, type Copy, type SeqRange } from "../world/chains.ts"
import type { Process } from "./machine.ts"
import { trustedEntry } from "./trusted.ts"
import type { World } from "./world.ts"

/** Called for every entry when it is stored, in true order. */
export type OnStored = (entry: LedgerEntry, raw: RawEntry) => void

/**
 * A strongly consistent store behind a bad network: slow, failing before its effect, failing after it (an answer lost),
 * writing late, reporting a conflict for its own write, and sometimes away for hours.
 */
export class SimulatedStore {
  readonly #chains = new Chains<RawEntry>()
  awayUntil = 0

  constructor(
    private readonly world: World,
    private readonly onStored: OnStored,
  ) {}

  /** The first entry, before any fault: an operator made the ledger. */
  begin(entry: LedgerEntry): void {
    this.#write(entry.stream, { seq: entry.seq, text: entryText(entry) })
  }

  /** A copy, as in a backup. */
  copy(): Copy<RawEntry> {
    return this.#chains.copy()
  }

  stateOf(stream: string): SupernodeState | null {
    const raw = this.#chains.newest(stream)
    return raw ? stateOf(trustedEntry(stream, raw)) : null
  }

  /** Replaces its content by that copy. */
  restore(copy: Copy<RawEntry>): void {
    this.#chains.restore(copy)
    this.world.watch.forgetBut(copy)
  }

  /** Without a network between: for an operator's command before any worker can reach the store. */
  direct(): LedgerStore {
    return { ...this.truth(), append: async (stream, raw) => this.#write(stream, raw) }
  }

  /** All stored entries, for checks at the end. */
  truth(): LedgerStore {
    const chains = this.#chains
    return {
      head: async (stream) => chains.newest(stream),
      append: async () => "conflict",
      async *read(stream, range = {}) {
        yield* chains.within(stream, range)
      },
      async *streams() {
        yield* chains.streams()
      },
      close: async () => undefined,
      create: async () => undefined,
      checkWritable: async () => undefined,
    }
  }

  seenBy(process: Process): LedgerStore {
    const ask = <T>(what: string, effect: () => T) =>
      process.ask(what, { ...this.#travel(), effect: () => this.#reached(effect) })
    const entries = (stream: string, range: SeqRange) =>
      ask(`read ${stream}`, () => this.#mayFail(() => this.#chains.within(stream, range)))
    return {
      head: async (stream) => {
        const raw = await ask(`head ${stream}`, () => this.#mayFail(() => this.#chains.newest(stream)))
        if (raw) process.seen.set(stream, Math.max(raw.seq, process.seen.get(stream) ?? 0))
        return raw
      },
      append: (stream, raw) => ask(`append ${stream}#${raw.seq}`, () => this.#append(stream, raw)),
      async *read(stream, range = {}) {
        yield* await entries(stream, range)
      },
      streams: () => this.truth().streams(),
      close: async () => undefined,
      create: async () => undefined,
      checkWritable: async () => undefined,
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

  #append(stream: string, raw: RawEntry): "appended" | "conflict" {
    const { random, scheduler, weather } = this.world
    const ending = random.next()
    let bound = weather.storeFails
    if (ending < bound) throw new Error("connection refused")
    bound += weather.storeLosesAnswer
    if (ending < bound) {
      this.#write(stream, raw)
      throw new Error("socket hang up")
    }
    bound += weather.storeWritesLate
    if (ending < bound) {
      scheduler.after(random.spread(50, 120_000), () => this.#write(stream, raw))
      throw new Error("timed out")
    }
    bound += weather.storeSaysConflict
    const answer = this.#write(stream, raw)
    return ending < bound ? "conflict" : answer
  }

  #write(stream: string, raw: RawEntry): "appended" | "conflict" {
    const isAnywhere = this.world.broken?.storeIgnoresCondition === true
    const answer = this.#chains.append(stream, raw, { isAnywhere })
    if (answer === "appended") this.onStored(trustedEntry(stream, raw), raw)
    return answer
  }
}
