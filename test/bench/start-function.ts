import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { bundleSize } from "./sizes.ts"
import { cachedAndNot } from "./start/cached.ts"
import { compareStarts, nodesHere, type Start } from "./start/pairs.ts"
import { atMost } from "./target.ts"

// Process start -> function imported: processor time of the whole process, as a ratio to an empty handler in
// the same run, with the code cache that packaging makes and without one. Targets: 2.0 on Node.js 20, 2.2 on
// 24; FunctionGraph 2.3 and 2.6. Fails if the bytes of code read at start exceed their
// budget, too.

const ROUNDS = 15
const DIST = fileURLToPath(new URL("../../dist/", import.meta.url))
const BUNDLES = [
  { name: "alarm", entry: "alarm/index.mjs", startKb: 780, targets: { 20: 2.0, 24: 2.2 } },
  { name: "functiongraph", entry: "functiongraph/index.js", startKb: 780, targets: { 20: 2.3, 24: 2.6 } },
] as const

const folder = mkdtempSync(join(tmpdir(), "bench-start-"))
const empty = join(folder, "empty.mjs")
writeFileSync(empty, "export const handler = async () => ({})\n")
const importOf = (file: string): Start => {
  // As the platforms load these files.
  const load = file.endsWith(".mjs")
    ? `import(${JSON.stringify(pathToFileURL(file).href)}).then(() => process.exit(0))`
    : `require(${JSON.stringify(file)}); process.exit(0)`
  return { name: file, argv: ["-e", load] }
}
for (const { version, path } of nodesHere()) {
  const names = BUNDLES.map(({ name }) => name)
  const { cached, plain, remove } = await cachedAndNot(DIST, names, path)
  const files = BUNDLES.flatMap(({ entry }) => [join(cached, entry), join(plain, entry)])
  const [base, ...measured] = compareStarts(path, [empty, ...files].map(importOf), ROUNDS)
  remove()
  console.log(`Node.js ${version}: an empty handler takes ${base?.cpuMs.toFixed(1)} ms of CPU`)
  for (const [i, { entry, targets }] of BUNDLES.entries()) {
    const [withCache, without] = measured.slice(2 * i)
    const target = targets[version.startsWith("20.") ? 20 : 24]
    console.log(
      `  ${entry}: ${withCache?.cpuMs.toFixed(1)} ms, ratio ${withCache?.ratio.toFixed(2)} (${atMost(withCache?.ratio ?? Number.NaN, target)}; without its code cache ${without?.ratio.toFixed(2)})`,
    )
  }
}
rmSync(folder, { recursive: true })

for (const { entry, startKb } of BUNDLES) {
  const kb = Math.round(bundleSize(join(DIST, entry)).startBytes / 1024)
  console.log(`${entry}: ${kb} KB read at start, budget ${startKb} KB`)
  if (kb > startKb) process.exitCode = 1
}
