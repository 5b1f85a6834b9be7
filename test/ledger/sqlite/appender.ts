import { once } from "node:events"
import { writeSync } from "node:fs"
import { openLedger } from "../../../lib/ledger/open.ts"
import { ANY_KEYS } from "../dynamodb/keys.ts"
import { entryAfter } from "../entries.ts"

// After the start signal, appends COUNT entries to STREAM of the ledger at URL, at the same time as other
// processes. Prints a line `appended SEQ WRITER` or `conflict SEQ WRITER` immediately after each try.
const [url = "", stream = "", count = "0"] = process.argv.slice(2)
const say = (line: string) => writeSync(1, `${line}\n`)

const ledger = await openLedger(url, { dynamodbCredentials: ANY_KEYS })
const head = await ledger.head(stream)
say("ready")
await once(process.stdin, "data")

let before = head
for (let won = 0; won < Number(count); ) {
  const entry = entryAfter(before, { stream })
  const answer = await ledger.append(entry)
  say(`${answer} ${entry.seq} ${entry.writer}`)
  won += answer === "appended" ? 1 : 0
  before = answer === "appended" ? entry : await ledger.head(stream)
}
await ledger.close()
process.exit()
