import { join } from "node:path"
import { env, execPath } from "node:process"
import { makeCodeCache } from "./code-cache/make.ts"
import { packaging } from "./policy-files.ts"

// `npm run package` runs it after the build: V8's code cache of the functions for AWS Lambda. CODE_CACHE_NODE is the path of
// the Node.js that will run them, by default this one. CODE_CACHE_NODE_OPTIONS are its options.

const DIST = join(import.meta.dirname, "../dist")
const node = env["CODE_CACHE_NODE"] || execPath
/** Of the options with which Lambda starts Node.js, according to public copies of its start script, V8 heeds only this one. */
const OPTIONS_OF_LAMBDA = "--expose-gc"

await packaging(async () => {
  const nodeOptions = (env["CODE_CACHE_NODE_OPTIONS"] ?? OPTIONS_OF_LAMBDA).split(" ").filter(Boolean)
  const made = (["alarm", "schedule", "manual"] as const).map((name) =>
    makeCodeCache({ dist: DIST, name, node, nodeOptions }),
  )
  const [version] = await Promise.all(made)
  console.log(
    `code cache made for ${version}, started with ${nodeOptions.join(" ") || "no options"}. A function on another one starts without it`,
  )
})
