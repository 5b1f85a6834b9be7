import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { parseArgs } from "node:util"
import { digestText } from "../lib/digest.ts"
import { functionGraphZip } from "./functiongraph-zip.ts"
import { packaging } from "./policy-files.ts"

// `npm run package:functiongraph [-- [POLICY [ZIP]] [--with FILE]…]`: dist/functiongraph.zip, to be uploaded to each of the
// three functions. FILE is put beside the policy, for example the certificates of the ledger's server.

const DIST = join(import.meta.dirname, "../dist")
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { with: { type: "string", multiple: true, default: [] } },
})
const [policy = "policy.yaml", out = join(DIST, "functiongraph.zip")] = positionals

await packaging(async () => {
  const { zip, names } = await functionGraphZip({
    bundle: join(DIST, "functiongraph"),
    policy,
    others: values.with,
  })
  await mkdir(dirname(out), { recursive: true })
  await writeFile(out, zip)
  for (const name of names) console.log(`  ${name}`)
  console.log(`${out}: ${Math.ceil(zip.byteLength / 1024)} KB, ${digestText(zip)}`)
})
