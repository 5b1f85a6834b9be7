import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { argv, env } from "node:process"
import { digestText } from "../lib/digest.ts"
import { makeCodeCache, nodeOptionsIn, sayCodeCache } from "./code-cache/make.ts"
import { functionGraphZip } from "./functiongraph-zip.ts"
import { DeployError, packaging, policyFiles } from "./policy-files.ts"
import { zipArguments } from "./zip-arguments.ts"

// `npm run package:functiongraph [-- [POLICY [ZIP]] [--with FILE]…]`: dist/functiongraph.zip, to be uploaded to each of the
// three functions. FILE is put beside the policy, for example the certificates of the ledger's server.
// With CODE_CACHE_NODE, the path of a Node.js of the function's version, the zip also has V8's code cache. Without, equal
// contents make an equal zip.

const DIST = join(import.meta.dirname, "../dist")

await packaging(async () => {
  const { policy, out, others } = zipArguments(argv.slice(2), DIST)
  const node = env["CODE_CACHE_NODE"]
  const nodeOptions = nodeOptionsIn(env)
  if (!node && nodeOptions.length > 0)
    throw new DeployError(["CODE_CACHE_NODE_OPTIONS needs CODE_CACHE_NODE"])
  if (node) {
    // The code cache takes seconds, so a wrong policy is refused before.
    await policyFiles(policy)
    console.log(sayCodeCache(await makeCodeCache({ dist: DIST, name: "functiongraph", node, nodeOptions })))
  }
  const { zip, names } = await functionGraphZip({ bundle: join(DIST, "functiongraph"), policy, others })
  await mkdir(dirname(out), { recursive: true })
  await writeFile(out, zip)
  for (const name of names) console.log(`  ${name}`)
  console.log(`${out}: ${Math.ceil(zip.byteLength / 1024)} KB, ${digestText(zip)}`)
})
