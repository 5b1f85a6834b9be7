import type { LedgerStore, RawEntry } from "../../lib/ledger/store.ts"
import type { Chains } from "./chains.ts"

export type Appended = "appended" | "conflict"

/**
 * The way from one caller to a store and back: the place of delays and faults. Each effect is one step. A way
 * may have the effect at once, later or never, and may lose the response.
 */
export interface Way {
  /** A read, which changes nothing. `what` names it in traces. */
  ask<T>(what: string, effect: () => T): Promise<T>
  append(what: string, effect: () => Appended): Promise<Appended>
}

/** A way without delays and faults. */
export const AT_ONCE: Way = {
  ask: async (_what, effect) => effect(),
  append: async (_what, effect) => effect(),
}

/**
 * A strongly consistent store in memory, as its callers see it through `way`. The list of streams does not go
 * through it, because no run reads that list.
 */
export function storeOver(chains: Chains<RawEntry>, way: Way = AT_ONCE): LedgerStore {
  return {
    head: (stream) => way.ask(`head ${stream}`, () => chains.newest(stream)),
    append: (stream, raw) => way.append(`append ${stream}#${raw.seq}`, () => chains.append(stream, raw)),
    async *read(stream, range) {
      yield* await way.ask(`read ${stream}`, () => chains.within(stream, range))
    },
    async *streams() {
      yield* chains.streams()
    },
    close: async () => undefined,
    create: async () => undefined,
    checkWritable: async () => undefined,
  }
}
