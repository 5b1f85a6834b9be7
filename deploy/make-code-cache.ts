import { join } from "node:path"
import { env, execPath } from "node:process"
import { makeCodeCache } from "./code-cache/make.ts"
import { packaging } from "./policy-files.ts"

// `npm run package` runs it after the build: V8's code cache of the functions for AWS Lambda. CODE_CACHE_NODE is the path of
// the Node.js that will run them, and CODE_CACHE_NODE_OPTIONS are its options; by default this Node.js without options.

const DIST = join(import.meta.dirname, "../dist")
const node = env["CODE_CACHE_NODE"] || execPath

await packaging(async () => {
  const nodeOptions = (env["CODE_CACHE_NODE_OPTIONS"] ?? "").split(" ").filter(Boolean)
  const made = (["alarm", "schedule", "manual"] as const).map((name) =>
    makeCodeCache({ dist: DIST, name, node, nodeOptions }),
  )
  const [version] = await Promise.all(made)
  console.log(`code cache made for ${version}: other versions of V8 and other processors start without it`)
})
