import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { bundleScript } from "../processes/bundle.ts"

// `npm run bench [PART ...]` runs all benches, or those whose file name contains one of the parts. Each
// prints its figures, their meaning and their target. Each runs in its own process, so that none warms up the
// next.

const HERE = fileURLToPath(new URL(".", import.meta.url))
/** Scripts of the benches. All other files in this folder are parts of them. */
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

/**
 * Benches that measure their own process. They are bundled like the product, since tsx wraps functions to
 * keep names.
 */
const BUNDLED: readonly string[] = ["warm/cpu.ts", "simulate.ts", "audit-verify.ts"]

const parts = process.argv.slice(2)
const chosen = BENCHES.filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
if (chosen.length === 0) {
  console.error(`no bench has such a name. Known: ${BENCHES.join(", ")}`)
  process.exit(2)
}
const failed: string[] = []
for (const file of chosen) {
  console.log(`\n== ${file}`)
  if ((await run(file)) !== 0) failed.push(file)
}
if (failed.length > 0) {
  console.error(`failed: ${failed.join(", ")}`)
  process.exitCode = 1
}

async function run(file: string): Promise<number | null> {
  if (!BUNDLED.includes(file)) return spawnSync("tsx", [join(HERE, file)], { stdio: "inherit" }).status
  const bundle = await bundleScript(`test/bench/${file}`)
  try {
    return spawnSync(process.execPath, ["--no-warnings", bundle.file], { stdio: "inherit" }).status
  } finally {
    bundle.remove()
  }
}
