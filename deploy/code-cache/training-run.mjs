import { readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { argv, exit, stderr } from "node:process"

// A process of the Node.js that the code cache is for: `node training-run.mjs FOLDER EVENTS`. It loads the bundle of FOLDER,
// passes it the events, and writes the code that V8 compiled for them beside the bundle. EVENTS is a file with JSON:
// `[{ handler, event }]`. Not TypeScript, since it must run on each supported Node.js without a build.

const [folder, events] = argv.slice(2)
const { CachedBundle, cacheOf, digestText, MANIFEST } = createRequire(import.meta.url)(
  join(folder, "code-cache.js"),
)

/** A context for AWS Lambda and for FunctionGraph. */
const context = {
  awsRequestId: "training-run",
  functionName: "training-run",
  getRemainingTimeInMillis: () => 180_000,
  getRemainingTimeInMilliSeconds: () => 180_000,
}

const bundle = new CachedBundle(folder, { compilesAll: true })
const main = bundle.load("main.js")
const answers = []
for (const { handler, event } of JSON.parse(readFileSync(events, "utf8")))
  answers.push(await main[handler](event, context))
const [result] = answers[0]?.results ?? []
if (result?.decision?.kind !== "scale-up") throw new Error(`no scale-up: ${JSON.stringify(answers[0])}`)

// Files that only an earlier run loaded keep the code cache of that run.
const files = { ...bundle.files }
for (const [file, { script, source }] of bundle.scripts) {
  const cache = script.createCachedData()
  writeFileSync(join(folder, cacheOf(file)), cache)
  files[file] = { source: digestText(source), cache: digestText(cache) }
}
const { versions, arch, execArgv } = process
const manifest = { v8: versions.v8, arch, options: execArgv.join(" "), files }
writeFileSync(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`)
stderr.write("", () => exit())
