import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { env, execPath } from "node:process"
import { askNode, makeCodeCache, nodeOptionsIn, sayCodeCache } from "./code-cache/make.ts"
import { packaging } from "./policy-files.ts"

// `npm run package` runs it after the build: V8's code cache of the functions for AWS Lambda. CODE_CACHE_NODE is the path of
// the Node.js that will run them, by default this one. CODE_CACHE_NODE_OPTIONS are the options that it will have there.

const ROOT = join(import.meta.dirname, "..")
/**
 * Public copies of Lambda's start script pass it, and sizes. V8 of Node.js 24 accepts a code cache that was made with
 * other sizes, V8 of Node.js 20 does not.
 */
const OPTIONS_OF_LAMBDA = "--expose-gc"

await packaging(async () => {
  const node = env["CODE_CACHE_NODE"] || execPath
  const nodeOptions = nodeOptionsIn({ CODE_CACHE_NODE_OPTIONS: OPTIONS_OF_LAMBDA, ...env })
  const { version, arch } = await askNode(node)
  const { runtime, architecture } = await runtimeOfTemplate()
  if (runtime !== `nodejs${version.split(".")[0]}.x` || architecture !== arch) {
    console.log(
      `no code cache, since serverless.yml has ${runtime} on ${architecture}, and this is Node.js ${version} on ${arch} (docs/deploy-aws.md, Faster cold starts)`,
    )
    return
  }
  for (const name of ["alarm", "schedule", "manual"] as const) {
    const made = await makeCodeCache({ dist: join(ROOT, "dist"), name, node, nodeOptions })
    console.log(`${name}: ${sayCodeCache(made)}`)
  }
})

/** Lambda's runtime, such as `nodejs24.x`, and its processor by Node.js's name, in serverless.yml. */
async function runtimeOfTemplate(): Promise<{ runtime: string; architecture: string }> {
  const template = await readFile(join(ROOT, "serverless.yml"), "utf8")
  const [, runtime = ""] = /^ {2}runtime: (\S+)/m.exec(template) ?? []
  const [, architecture = ""] = /^ {2}architecture: (\S+)/m.exec(template) ?? []
  return { runtime, architecture: architecture === "x86_64" ? "x64" : architecture }
}
