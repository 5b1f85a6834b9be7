import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { argv } from "node:process"
import { digestText } from "../lib/digest.ts"
import { functionGraphZip } from "./functiongraph-zip.ts"
import { packaging } from "./policy-files.ts"
import { zipArguments } from "./zip-arguments.ts"

// `npm run package:functiongraph [-- [POLICY [ZIP]] [--with FILE]…]`: dist/functiongraph.zip, to be uploaded to each of the
// three functions. FILE is put beside the policy, for example the certificates of the ledger's server.

const DIST = join(import.meta.dirname, "../dist")

await packaging(async () => {
  const { policy, out, others } = zipArguments(argv.slice(2), DIST)
  const { zip, names } = await functionGraphZip({ bundle: join(DIST, "functiongraph"), policy, others })
  await mkdir(dirname(out), { recursive: true })
  await writeFile(out, zip)
  for (const name of names) console.log(`  ${name}`)
  console.log(`${out}: ${Math.ceil(zip.byteLength / 1024)} KB, ${digestText(zip)}`)
})
