import type { Policy } from "../../lib/decision/policy/policy.ts"
import { ledgerOver } from "../../lib/ledger/chain.ts"
import { entryText, type LedgerEntry, sealEntry } from "../../lib/ledger/entry.ts"
import { openMemoryStore } from "../../lib/ledger/memory.ts"
import { supernodeStream } from "../../lib/ledger/next-entry.ts"
import type { LedgerStore } from "../../lib/ledger/store.ts"
import { DAY, HOUR, MINUTE, NOW, policyOf, serversOf, supernodeOf, tickOf } from "../decision/builders.ts"
import { rejected, World } from "../run/world.ts"
import { collect } from "./entries.ts"
import { initialised } from "./initialised.ts"

/** Entries by stream, as the real run wrote them. */
export type Chains = Record<string, LedgerEntry[]>

export const [A = "", B = ""] = ["a", "b"].map((id) =>
  supernodeStream(`${id}0000000-0000-4000-8000-000000000000`),
)

/** Two supernodes under fleet caps: a refused order, two accepted ones, a hold, a pause and a resume. */
export async function realLedger(): Promise<Chains> {
  const store = openMemoryStore()
  const world = new World(await initialised(ledgerOver(store), NOW - HOUR))
  const fleet = {
    actions: { count: 4, perMs: 30 * DAY },
    budget: { minor: 900_000_000, currency: "CNY", per: 30 * DAY },
  }
  const buy = (stream: string) => {
    const id = stream.slice("supernode:".length)
    world.supernode = { ok: true, value: supernodeOf({ id, servers: serversOf(2) }), skewMs: 0 }
    return world.run(tickOf({ id: world.newId(), at: world.now }), {
      policy: { ...policyOf({ id }), fleet } as Policy,
      stream,
      fleetStreams: [A, B],
    })
  }
  world.outcomes = [rejected("throttle")]
  await buy(A)
  world.now += 2 * HOUR
  await world.say({ verb: "pause", supernode: null, why: "a look", by: "ann", until: null })
  await buy(B)
  world.now += MINUTE
  await world.say({ verb: "resume", supernode: null, why: "seen", by: "ann" })
  for (const stream of [A, B]) {
    world.now += HOUR
    await buy(stream)
  }
  return chainsIn(store)
}

/** One supernode that holds after `ledger restored`. */
export async function restoredLedger(by: string): Promise<Chains> {
  const store = openMemoryStore()
  const world = new World(await initialised(ledgerOver(store), NOW - HOUR))
  await world.say({ verb: "restored", why: "a backup", by })
  await world.run(tickOf({ id: world.newId(), at: world.now }))
  return chainsIn(store)
}

async function chainsIn(store: Pick<LedgerStore, "read" | "streams">): Promise<Chains> {
  const chains: Chains = {}
  for await (const stream of store.streams()) {
    const texts = await collect(store.read(stream))
    chains[stream] = texts.map(({ text }) => JSON.parse(text) as LedgerEntry)
  }
  return chains
}

/** A store that contains exactly these entries. */
export function storeOf(chains: Chains): Pick<LedgerStore, "read" | "streams"> {
  return {
    async *read(stream, { fromSeq = 1 } = {}) {
      for (const entry of chains[stream] ?? [])
        if (entry.seq >= fromSeq) yield { seq: entry.seq, text: entryText(entry) }
    },
    async *streams() {
      yield* Object.keys(chains)
    },
  }
}

/**
 * The chain with one entry changed and all from there on sealed again, so that hashes and links are valid.
 */
export function resealed(
  chain: LedgerEntry[],
  seq: number,
  change: (entry: LedgerEntry) => object,
): LedgerEntry[] {
  const made: LedgerEntry[] = []
  for (const entry of chain) {
    const { hash: _old, ...draft } = entry
    const changed = entry.seq === seq ? { ...draft, ...change(entry) } : draft
    made.push(entry.seq < seq ? entry : sealEntry({ ...changed, prev: made.at(-1)?.hash ?? "" }))
  }
  return made
}
