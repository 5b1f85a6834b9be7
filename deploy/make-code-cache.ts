import { join } from "node:path"
import { env, execPath } from "node:process"
import { makeCodeCache, nodeOptionsIn } from "./code-cache/make.ts"
import { packaging } from "./policy-files.ts"

// `npm run package` runs it after the build: V8's code cache of the functions for AWS Lambda. CODE_CACHE_NODE is the path of
// the Node.js that will run them, by default this one. CODE_CACHE_NODE_OPTIONS are its options.

const DIST = join(import.meta.dirname, "../dist")
/**
 * Public copies of Lambda's start script have it. Its other options are sizes, with which V8 of Node.js 24 accepts the same
 * code cache.
 */
const OPTIONS_OF_LAMBDA = "--expose-gc"

await packaging(async () => {
  const node = env["CODE_CACHE_NODE"] || execPath
  const nodeOptions = nodeOptionsIn({ CODE_CACHE_NODE_OPTIONS: OPTIONS_OF_LAMBDA, ...env })
  let target = ""
  for (const name of ["alarm", "schedule", "manual"] as const)
    target = await makeCodeCache({ dist: DIST, name, node, nodeOptions })
  const options = nodeOptions.length > 0 ? nodeOptions.join(" ") : "no options"
  console.log(`code cache made for ${target} with ${options}. A function on another one starts without it`)
})
