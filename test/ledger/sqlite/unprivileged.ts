import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ledgerOver } from "../../../lib/ledger/chain.ts"
import { openSqliteStore } from "../../../lib/ledger/sqlite/store.ts"
import { entryAfter, STREAM } from "../entries.ts"

// Tries to append to the file in the first argument as a user who may only read it, and prints the result.
// All code is loaded before the user changes, because the other user may not be allowed to read the program.
const openLedger = async (path: string) => ledgerOver(await openSqliteStore(path))

const directory = mkdtempSync(join(tmpdir(), "ledger-warm-"))
const warm = await openLedger(join(directory, "warm.db"))
await warm.create()
await warm.append(entryAfter(undefined))
await warm.close()
rmSync(directory, { recursive: true })

const NOBODY = 65_534
if (process.geteuid?.() === 0) process.seteuid?.(NOBODY)

try {
  const ledger = await openLedger(String(process.argv[2]))
  await ledger.checkWritable().then(
    () => console.log("writable"),
    (error: unknown) => console.log(String(error).replaceAll("\n", " ")),
  )
  console.log(await ledger.append(entryAfter(await ledger.head(STREAM))))
} catch (error) {
  console.log(String(error instanceof Error ? `${error.name} ${error.message}` : error).replaceAll("\n", " "))
}
