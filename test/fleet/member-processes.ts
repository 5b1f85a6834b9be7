import { fleetTurns } from "../../lib/app/fleet-turns.ts"
import { ledgerOver } from "../../lib/ledger/chain.ts"
import type { LedgerStore, RawEntry } from "../../lib/ledger/store.ts"
import type { Ports } from "../../lib/ports.ts"
import { Chains } from "../world/chains.ts"
import { storeOver } from "../world/store.ts"

/** Number of parts in which a batch of newest entries is read: a batch is not a snapshot. */
const BATCH_PARTS = 3

export type MemberProcess = Pick<Ports, "ledger" | "inFleetTurn">

/**
 * Processes that share one store. Like a real process, each has a ledger, shared reads of newest entries, and
 * turns. `turn` resolves when the next request may continue.
 */
export function memberProcesses(count: number, turn: (process: number) => Promise<void>): MemberProcess[] {
  const chains = new Chains<RawEntry>()
  return Array.from({ length: count }, (_, process) => ({
    ledger: ledgerOver(inTurn(chains, () => turn(process))),
    inFleetTurn: fleetTurns(() => () => undefined),
  }))
}

function inTurn(chains: Chains<RawEntry>, turn: () => Promise<void>): LedgerStore {
  const step = async <T>(_what: string, effect: () => T): Promise<T> => {
    await turn()
    return effect()
  }
  return {
    ...storeOver(chains, { ask: step, append: step }),
    heads: async (asked) => {
      const size = Math.ceil(asked.length / BATCH_PARTS)
      const answers: { ok: true; raw: RawEntry | undefined }[] = []
      for (const [nth, { stream }] of asked.entries()) {
        if (nth % size === 0) await turn()
        answers.push({ ok: true, raw: chains.newest(stream) })
      }
      return answers
    },
  }
}
