import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { digestText } from "../lib/digest.ts"
import { functionGraphZip } from "./functiongraph-zip.ts"
import { packaging } from "./policy-files.ts"

// `npm run package:functiongraph [-- POLICY [ZIP]]`: dist/functiongraph.zip, to be uploaded to each of the three functions.

const DIST = join(import.meta.dirname, "../dist")
const [policy = "policy.yaml", out = join(DIST, "functiongraph.zip")] = process.argv.slice(2)

await packaging(async () => {
  const { zip, names } = await functionGraphZip({ bundle: join(DIST, "functiongraph"), policy })
  await mkdir(dirname(out), { recursive: true })
  await writeFile(out, zip)
  for (const name of names) console.log(`  ${name}`)
  console.log(`${out}: ${Math.ceil(zip.byteLength / 1024)} KB, ${digestText(zip)}`)
})
