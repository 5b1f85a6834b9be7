import type { LoadedPolicy } from "../../lib/decision/policy/loaded-policy.ts"
import { digest } from "../../lib/digest.ts"
import { checkEntry, type LedgerEntry } from "../../lib/ledger/entry.ts"
import { connect } from "../../lib/ledger/sqlite/connection.ts"
import { historyOf } from "../../lib/simulate/load-file.ts"
import { LoadSeries } from "../../lib/simulate/load-series.ts"
import { simulate } from "../../lib/simulate/replay.ts"
import { MINUTE, NOW, policyOf, ruleInput } from "../decision/builders.ts"
import { initEntryAt } from "../ledger/initialised.ts"

// A ledger file as after years of ticks, made by real runs: each chain is a simulation whose load is high in
// every other tick, so that the reason to hold changes and each tick is recorded. Only the first chain orders
// servers, since each simulation gives its attempts the same ids. The only shortcut is one transaction for
// all entries.

const SUPERNODES = 10
/** Ledger id of each simulation. */
const SIMULATED_LEDGER = "simulated-1"

/** Writes a SQLite ledger with `entries` entries, and returns their mean size in bytes. */
export async function writeLongLedger(file: string, entries: number): Promise<{ meanBytes: number }> {
  const database = await connect(file)
  const insert = database.prepare("INSERT INTO entries (stream, seq, entry) VALUES (?, ?, ?)")
  let [written, bytes] = [0, 0]
  const write = (entry: LedgerEntry): void => {
    if (written === entries) return
    const { text } = checkEntry(entry)
    insert.run(entry.stream, entry.seq, text)
    written += 1
    bytes += Buffer.byteLength(text)
  }
  database.exec("BEGIN IMMEDIATE")
  write(initEntryAt(NOW - 1_000 * 24 * 60 * MINUTE, "nothing-in-flight", SIMULATED_LEDGER))
  for (let nth = 0; written < entries; nth++)
    await simulateChain({ nth, ticks: Math.ceil(entries / SUPERNODES), write })
  database.exec("COMMIT")
  database.close()
  return { meanBytes: Math.round(bytes / written) }
}

interface ChainOptions {
  nth: number
  ticks: number
  write(entry: LedgerEntry): void
}

async function simulateChain({ nth, ticks, write }: ChainOptions): Promise<void> {
  const id = `b4beacb6-4380-448c-a218-${String(nth).padStart(12, "0")}`
  const policy = policyOf({ id, name: `train-${nth}`, rules: [ruleInput({ points: "1 of 1" })] })
  const load = new LoadSeries()
  for (let tick = 0; tick < ticks; tick++) load.add(NOW + tick * 5 * MINUTE, tick % 2 === 0 ? 97 : 50)
  await simulate({
    loaded: { policy, hash: digest(policy), userdata: null } as unknown as LoadedPolicy,
    history: historyOf(new Map([[null, load]])),
    servers: nth === 0 ? 1 : 4,
    provisioningMs: 10 * MINUTE,
    soldOut: [],
    failures: [],
    elastic: null,
    record: { entry: write, load: () => {} },
  })
}
