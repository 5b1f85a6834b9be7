import { hash } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ledgerOver } from "../../lib/ledger/chain.ts"
import { openSqliteStore } from "../../lib/ledger/sqlite/store.ts"
import { profiled } from "./fleet/profile.ts"
import { writeLongLedger } from "./long-ledger.ts"
import { atMost } from "./target.ts"

// `audit verify` of a SQLite ledger: checks the form, hash and link of every entry, folds its state again,
// and compares the streams. Figures: seconds of processor time, and the ratio to a bare pass over the same
// rows (JSON.parse and SHA-256 of each text). Both take turns. The least of three passes counts, since
// disturbances only add time. Target: 100,000 entries in 8 s.

const ROUNDS = 3

const entries = Number(process.argv[2] ?? 100_000)
const folder = mkdtempSync(join(tmpdir(), "bench-verify-"))
try {
  const file = join(folder, "ledger.db")
  const { meanBytes } = await writeLongLedger(file, entries)
  let [verifyS, bareS] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let round = 0; round < ROUNDS; round++) {
    bareS = Math.min(bareS, await cpuSeconds(() => readBare(file)))
    verifyS = Math.min(verifyS, await cpuSeconds(() => profiled(() => verify(file))))
  }
  console.log(
    `audit verify of ${entries} entries of ${meanBytes} bytes: ${verifyS.toFixed(1)} s of processor time (for 100,000: ${atMost((verifyS / entries) * 100_000, 8)}); bare SHA-256 and JSON.parse of the same rows: ${bareS.toFixed(1)} s, ratio ${(verifyS / bareS).toFixed(1)}`,
  )
} finally {
  rmSync(folder, { recursive: true })
}

async function verify(file: string): Promise<void> {
  const ledger = ledgerOver(await openSqliteStore(file))
  const { ok, streams } = await ledger.verifyAll()
  await ledger.close()
  const seen = streams.reduce((sum, one) => sum + (one.ok ? one.entries : 0), 0)
  if (!ok || seen !== entries) throw new Error(`the bench's ledger is not intact: ${JSON.stringify(streams)}`)
}

async function readBare(file: string): Promise<void> {
  const store = await openSqliteStore(file)
  for await (const stream of store.streams())
    for await (const { text } of store.read(stream)) {
      JSON.parse(text)
      hash("sha256", text)
    }
  await store.close()
}

async function cpuSeconds(work: () => Promise<void>): Promise<number> {
  const begin = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(begin)
  return (user + system) / 1_000_000
}
