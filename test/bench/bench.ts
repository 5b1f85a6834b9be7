import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { tableOf } from "../../functions/cli/print/table.ts"
import { coldImportMs } from "./cold-import.ts"
import { measureDecide } from "./decision.ts"
import { bundleSize } from "./sizes.ts"
import { atMost } from "./target.ts"
import { measureWarmRun } from "./warm-run.ts"

// Figures: the size of the bundles, their cost at a cold start, what a warm run adds to its requests, and the
// time of a decision. Ratios of cold starts are to an empty handler in the same run, since milliseconds
// depend on the machine.

const ROUNDS = 15
const DIST = fileURLToPath(new URL("../../dist/", import.meta.url))
const BUNDLES = ["alarm/index.mjs", "schedule/index.mjs", "manual/index.mjs", "functiongraph/index.js"]

function benchBundles(): void {
  const files = BUNDLES.map((bundle) => join(DIST, bundle))
  const missing = files.filter((file) => !existsSync(file))
  if (missing.length > 0) throw new Error(`not built yet, run \`npm run build\`: ${missing.join(", ")}`)

  const folder = mkdtempSync(join(tmpdir(), "bench-"))
  const empty = join(folder, "empty.mjs")
  writeFileSync(empty, "export const handler = async () => ({})\n")
  const [emptyMs = Number.NaN, ...bundleMs] = coldImportMs([empty, ...files], ROUNDS)
  rmSync(folder, { recursive: true })

  const rows = files.map((file, i) => {
    const { startBytes, rawBytes, gzipBytes } = bundleSize(file)
    const ms = bundleMs[i] ?? Number.NaN
    const sizes = [startBytes, rawBytes, gzipBytes].map(sayKb)
    return [BUNDLES[i] ?? file, ...sizes, sayMs(ms), (ms / emptyMs).toFixed(2)]
  })
  const head = ["bundle", "read at start", "in all", "gzipped", "cold import", "ratio to empty"]
  console.log(
    `Bundles on Node ${process.versions.node}, median of ${ROUNDS} fresh processes each, taking turns`,
  )
  const lines = tableOf([["an empty handler", "", "", "", sayMs(emptyMs), "1.00"], ...rows], { head })
  console.log(lines.join("\n"))
}

function sayKb(bytes: number): string {
  return `${Math.round(bytes / 1024)} KB`
}

function sayMs(ms: number): string {
  return `${ms.toFixed(1)} ms`
}

async function benchWarmRun(): Promise<void> {
  const { requests, dryRunMs, bareMs } = await measureWarmRun()
  console.log(
    `A warm dry run against the sandbox: ${sayMs(dryRunMs)}, the same ${requests} requests sent bare: ${sayMs(bareMs)}, ratio ${(dryRunMs / bareMs).toFixed(2)}`,
  )
}

function benchDecision(): void {
  const { oneRuleMicros, manyMicros } = measureDecide()
  console.log(
    `A decision: 1 rule ${oneRuleMicros.toFixed(1)} µs (${atMost(oneRuleMicros, 20)}), 20 rules over 40 servers ${Math.round(manyMicros)} µs (${atMost(manyMicros, 250)})`,
  )
}

benchBundles()
await benchWarmRun()
benchDecision()
