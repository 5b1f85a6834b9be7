import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

// `npm run bench [PART ...]`: all benches, or those whose file name contains one of the parts. Each prints its figures,
// what they mean and their target. A process of its own for each: one must not warm up the next.

const HERE = fileURLToPath(new URL(".", import.meta.url))
/** Scripts; whatever else lies here belongs to one of them. */
const BENCHES = [
  "bench.ts",
  "start-function.ts",
  "start-first-post.ts",
  "start-cli.ts",
  "start-policy.ts",
  "warm/steps.ts",
  "warm/cpu.ts",
  "simulate.ts",
  "audit-verify.ts",
  "fleet-tick.ts",
  "fleet-hang.ts",
  "fleet-buyers.ts",
  "fleet-serve.ts",
  "fleet-shards.ts",
]

const parts = process.argv.slice(2)
const chosen = BENCHES.filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
if (chosen.length === 0) {
  console.error(`no bench has such a name. Known: ${BENCHES.join(", ")}`)
  process.exit(2)
}
const failed = chosen.filter((file) => {
  console.log(`\n== ${file}`)
  const { status } = spawnSync("tsx", [join(HERE, file)], { stdio: "inherit" })
  return status !== 0
})
if (failed.length > 0) {
  console.error(`failed: ${failed.join(", ")}`)
  process.exitCode = 1
}
