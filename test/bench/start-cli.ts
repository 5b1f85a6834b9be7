import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { makeLedger } from "../ledger/initialised.ts"
import { policyFiles } from "./fleet/policy.ts"
import { compareStarts } from "./start/pairs.ts"
import { atMost } from "./target.ts"

// Processor time of the CLI's `--help` and `status`, as a ratio to `node -e 0` in the same run. Targets: 1.8
// and 2.6.

const ROUNDS = 15
const CLI = fileURLToPath(new URL("../../dist/cli/index.js", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "bench-cli-"))
for (const [name, text] of policyFiles({ supernodes: 1, fleetActions: null }))
  writeFileSync(join(folder, name), text)
const ledger = `sqlite:${join(folder, "ledger.db")}`
await makeLedger(ledger, Date.now())
const env = { SUPERNODE_LEDGER: ledger, SUPERNODE_POLICY: join(folder, "policy.yaml") }
const starts = [
  { name: "node -e 0", argv: ["-e", "0"] },
  { name: "--help", argv: [CLI, "--help"], env },
  { name: "status --no-cloud", argv: [CLI, "status", "--no-cloud"], env },
]
const targets = [1, 1.8, 2.6]
for (const [i, { name, cpuMs, ratio }] of compareStarts(process.execPath, starts, ROUNDS).entries())
  console.log(
    `${name}: ${cpuMs.toFixed(1)} ms of CPU, ratio ${ratio.toFixed(2)} (${atMost(ratio, targets[i] ?? 0)})`,
  )
rmSync(folder, { recursive: true })
