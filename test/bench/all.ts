import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { bundleScript } from "../processes/bundle.ts"

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

/** What these measure runs in their own process: bundled as the product is, since tsx wraps each function to keep its name. */
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
