import { fleetTurns } from "../../lib/app/fleet-turns.ts"
import { ledgerOver } from "../../lib/ledger/chain.ts"
import { openMemoryStore } from "../../lib/ledger/memory.ts"
import type { LedgerStore } from "../../lib/ledger/store.ts"
import type { Ports } from "../../lib/ports.ts"

/** A batch of newest entries is no snapshot: as many parts of it are read at different moments. */
const BATCH_PARTS = 3

export type MemberProcess = Pick<Ports, "ledger" | "inFleetTurn">

/**
 * Processes that share one store: each with the ledger, its shared reads of newest entries and its turns as a real process has
 * them. `turn` comes back when the next question may go on.
 */
export function memberProcesses(count: number, turn: (process: number) => Promise<void>): MemberProcess[] {
  const store = openMemoryStore()
  return Array.from({ length: count }, (_, process) => ({
    ledger: ledgerOver(inTurn(store, () => turn(process))),
    inFleetTurn: fleetTurns(() => () => undefined),
  }))
}

function inTurn(store: LedgerStore, turn: () => Promise<void>): LedgerStore {
  return {
    head: async (stream) => {
      await turn()
      return store.head(stream)
    },
    heads: async (asked) => {
      const size = Math.ceil(asked.length / BATCH_PARTS)
      const answers: { ok: true; raw: Awaited<ReturnType<LedgerStore["head"]>> }[] = []
      for (const [nth, { stream }] of asked.entries()) {
        if (nth % size === 0) await turn()
        answers.push({ ok: true, raw: await store.head(stream) })
      }
      return answers
    },
    append: async (stream, raw) => {
      await turn()
      return store.append(stream, raw)
    },
    read: (stream, range) => store.read(stream, range),
    streams: () => store.streams(),
    close: async () => undefined,
    create: () => store.create(),
    checkWritable: () => store.checkWritable(),
  }
}
