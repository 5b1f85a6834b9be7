import { existsSync } from "node:fs"
import { chmod, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { basename, dirname, join, relative, resolve } from "node:path"
import { argv } from "node:process"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import {
  leanCommander,
  leanFunction,
  leanUndici,
  leanYaml,
  leanZod,
  shortNames,
} from "./deploy/lean-packages.mjs"
import { builtinsByRequire, dropHandedOn, filesOf, joinFiles, REQUIRE } from "./deploy/lean-start.mjs"
import { billOfMaterials } from "./deploy/npm/bill-of-materials.mjs"
import { programId } from "./deploy/program-id.mjs"

// `node esbuild.config.mjs [FOLDER [NAME…]]`: one self-contained folder per function, into dist/ or FOLDER; all, or those named.

const root = dirname(fileURLToPath(import.meta.url))
const dist = resolve(argv[2] ?? join(root, "dist"))
const names = argv.slice(3)
const isWanted = (name) => names.length === 0 || names.includes(name)

const PAGE_TEXT = "functions/cli/report/page-text.ts"

/** The page of reports, bundled for a browser, as two texts in place of the module that bundles it in a run from the sources. */
const pageAsText = {
  name: "page-as-text",
  setup({ onLoad }) {
    onLoad({ filter: new RegExp(`/${PAGE_TEXT.replace(".", "[.]")}$`) }, async () => {
      const options = JSON.parse(await readFile(join(root, dirname(PAGE_TEXT), "page/esbuild.json"), "utf8"))
      const { outputFiles, metafile } = await build({ ...options, absWorkingDir: root, metafile: true })
      for (const file of Object.keys(metafile.inputs)) bundled.add(file)
      const textOf = (end) => JSON.stringify(outputFiles.find(({ path }) => path.endsWith(end)).text)
      const contents = `export const pageText = async () => ({ script: ${textOf(".js")}, style: ${textOf(".css")} })`
      return { contents, loader: "js" }
    })
  },
}

const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"))

const shared = {
  absWorkingDir: root,
  define: {
    SUPERNODE_AUTOSCALER_VERSION: JSON.stringify(version),
    SUPERNODE_AUTOSCALER_PROGRAM: JSON.stringify(programId(root)),
  },
  bundle: true,
  platform: "node",
  // FunctionGraph's newest documented Node.js is 20.15.
  target: "node20",
  // Native: needed only by a sqlite ledger on a Node without node:sqlite; and a part of pg that we never ask for.
  external: ["@photostructure/sqlite", "pg-native"],
  // The ESM half of a package can be shaken; with Amazon's client it is a tenth off the cold start.
  mainFields: ["module", "main"],
  plugins: [leanUndici, leanYaml, pageAsText],
  // Names at the top of a module stay, so that a stack trace can be read.
  minifySyntax: true,
  minifyWhitespace: true,
  metafile: true,
  logLevel: "warning",
}

/** No function writes a report or shows a page: commands that would are refused before they ask for this file. */
const withoutReports = {
  name: "without-reports",
  setup({ onResolve }) {
    onResolve({ filter: /[/]report[/]reports[.]ts$/ }, () => ({
      path: "./no-reports-in-a-function.js",
      external: true,
    }))
  },
}

/** No function serves, so that none needs the library of Prometheus' text format. */
const inFunction = {
  external: [...shared.external, "prom-client"],
  plugins: [leanFunction, leanZod, ...shared.plugins, builtinsByRequire, withoutReports, shortNames],
}

const esm = {
  ...shared,
  format: "esm",
  outExtension: { ".js": ".mjs" },
  // What is imported at run time becomes a file of its own, and costs a cold start nothing until it is asked for:
  // Amazon's clients in the one file made it a quarter slower.
  splitting: true,
  banner: REQUIRE,
}

/** Sources in any bundle of this build. */
const bundled = new Set()

/** `entries`: names of files -> sources; the first one is what a cold start loads. */
async function bundle(name, entries, options) {
  const outdir = join(dist, name)
  await rm(outdir, { recursive: true, force: true })
  const { metafile } = await build({ ...options, entryPoints: entries, outdir })
  for (const { inputs } of Object.values(metafile.outputs))
    for (const [file, { bytesInOutput }] of Object.entries(inputs)) if (bytesInOutput > 0) bundled.add(file)
  print({ name, entry: Object.values(entries)[0], outputs: metafile.outputs })
  return { outdir, outputs: metafile.outputs }
}

/** What is read before the first event, and what only on demand. */
function print({ name, entry, outputs }) {
  const atStart = new Set()
  const follow = (path) => {
    if (!outputs[path] || atStart.has(path)) return
    atStart.add(path)
    for (const { path: next, kind } of outputs[path].imports) if (kind !== "dynamic-import") follow(next)
  }
  follow(Object.keys(outputs).find((path) => outputs[path].entryPoint === entry))
  const size = (paths) => paths.reduce((sum, path) => sum + outputs[path].bytes, 0)
  const all = Object.keys(outputs)
  const kb = (bytes) => `${Math.round(bytes / 1024)} KB`.padStart(8)
  console.log(
    `${name.padEnd(14)} ${kb(size([...atStart]))} at start ${kb(size(all))} in all, ${all.length} files`,
  )
}

/** A Lambda function's entry. Everything else is loaded after the check, since an older Node.js may not even parse it. */
const LAMBDA_ENTRY = `
import { whyNodeIsTooOld } from "./functions/cli/node-version.ts"
const problem = whyNodeIsTooOld(process.versions.node, "choose the runtime nodejs24.x in the function's settings")
if (problem !== null) throw new Error(problem.replace("error: ", ""))
const { createRequire } = await import("node:module")
export const { handler } = createRequire(import.meta.url)("./code-cache.js").loadMain()
`

async function buildLambda(name) {
  const outdir = await buildFunction(name)
  const stdin = { contents: LAMBDA_ENTRY, resolveDir: root, loader: "js" }
  await build({ ...CHECKED_ENTRY, stdin, outfile: join(outdir, "index.mjs") })
}

/** An entry in syntax that each Node.js with `await` at the top level can parse; it loads all else after its check. */
const CHECKED_ENTRY = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node14.8",
  minifyWhitespace: true,
  logLevel: "warning",
}

/** `main.js` of a function with all that it loads, as CommonJS, and its loader. What is left is its entry. */
async function buildFunction(name) {
  const entries = { main: `functions/${name}.ts` }
  const { outdir, outputs } = await bundle(name, entries, { ...split, ...inFunction })
  const handedOn = await joinFiles({ outdir, file: "main.js", names: filesOf("main.js", outputs), outputs })
  await dropHandedOn({ outdir, handedOn, outputs })
  await toCommonJs(outdir)
  const loader = { "code-cache": "functions/code-cache/load.ts" }
  await build({ ...split, ...AS_COMMON_JS, splitting: false, metafile: false, entryPoints: loader, outdir })
  return outdir
}

async function buildCli() {
  const entry = "functions/cli.ts"
  if (!existsSync(join(root, entry))) return
  const plugins = [leanCommander, leanZod, ...shared.plugins, builtinsByRequire, shortNames]
  const { outdir, outputs } = await bundle("cli", { main: "functions/cli/main.ts" }, { ...split, plugins })
  const atStart = filesOf("main.js", outputs)
  const ofMain = await joinFiles({ outdir, outputs, file: "main.js", names: atStart })
  // What `status` reads, the policy and the ledger, nearly every command reads.
  const status = Object.keys(outputs).find((path) => /[/]status-\w+[.]js$/.test(path))
  const core = filesOf(basename(status), outputs)
    .slice(1)
    .filter((name) => !atStart.includes(name))
  const ofCore = await joinFiles({ outdir, outputs, file: "core.js", names: core })
  await dropHandedOn({ outdir, outputs, handedOn: [...ofMain, ...ofCore] })
  await toCommonJs(outdir)
  const outfile = join(outdir, "index.js")
  const requiresMain = {
    name: "requires-main",
    setup: ({ onResolve }) =>
      onResolve({ filter: /[/]main[.]ts$/ }, () => ({ path: "./main.js", external: true })),
  }
  const banner = { js: "#!/usr/bin/env node" }
  const checked = { ...CHECKED_ENTRY, ...AS_COMMON_JS, target: "es2015", banner, plugins: [requiresMain] }
  await build({ ...checked, entryPoints: [entry], outfile })
  await chmod(outfile, 0o755)
}

/** FunctionGraph's entry. An older Node.js can parse it, and says which one is needed before it meets newer syntax. */
const FUNCTIONGRAPH_ENTRY = `
const { whyNodeIsTooOld } = require("./functions/cli/node-version.ts")
const problem = whyNodeIsTooOld(process.versions.node, "choose the runtime Node.js 20.15 or newer in the function's settings")
if (problem !== null) throw new Error(problem.replace("error: ", ""))
// By name: other files of this folder import more from it.
const { alarm, manual, schedule } = require("./code-cache.js").loadMain()
module.exports = { alarm, manual, schedule }
`

/**
 * Options of a bundle that `toCommonJs` turns into CommonJS. esbuild splits only modules. A start reads neither the commands nor
 * the clients of stores that it does not use.
 */
const split = {
  ...shared,
  define: { ...shared.define, "import.meta.dirname": "__dirname" },
  format: "esm",
  splitting: true,
}

/** An import at run time becomes a call of require. */
const AS_COMMON_JS = { format: "cjs", supported: { "dynamic-import": false } }

/** Turns the modules of a folder into CommonJS. */
async function toCommonJs(outdir) {
  const files = (await readdir(outdir)).map((name) => join(outdir, name))
  const { absWorkingDir, platform, target, minifySyntax, minifyWhitespace, logLevel } = shared
  const each = { absWorkingDir, platform, target, minifySyntax, minifyWhitespace, logLevel }
  // The package around it has `"type": "module"`. Written first: esbuild reads it, and a default import would
  // otherwise get the whole module.
  await writeFile(join(outdir, "package.json"), '{ "type": "commonjs" }\n')
  await build({ ...each, ...AS_COMMON_JS, allowOverwrite: true, entryPoints: files, outdir })
}

/** FunctionGraph knows CommonJS only. */
async function buildFunctionGraph() {
  const outdir = await buildFunction("functiongraph")
  const stdin = { contents: FUNCTIONGRAPH_ENTRY, resolveDir: root, loader: "js" }
  const outfile = join(outdir, "index.js")
  const entry = { ...shared, ...inFunction, format: "cjs", target: "es2015", metafile: false }
  await build({ ...entry, stdin, outfile, external: ["./code-cache.js"] })
}

/** Folders of the packages that the bundles contain. */
function bundledPackages() {
  return [
    ...new Set([...bundled].flatMap((file) => /^.*node_modules[/](@[^/]+[/])?[^/]+/.exec(file)?.[0] ?? [])),
  ]
}

/** Licences of the packages that the bundles contain, read from those packages. A package without one fails the build. */
async function writeNotices() {
  const notices = await Promise.all(bundledPackages().map(noticeOf))
  const intro = `The bundles in this folder contain these packages, each under its own licence.\n`
  await writeFile(
    join(dist, "THIRD-PARTY-NOTICES"),
    [intro, ...notices.sort()].join(`\n${"-".repeat(80)}\n\n`),
  )
}

async function noticeOf(folder) {
  const { name, version, license } = JSON.parse(await readFile(join(root, folder, "package.json"), "utf8"))
  const names = (await readdir(join(root, folder))).filter((file) =>
    /^(licen[cs]e|notice)([.-]|$)/i.test(file),
  )
  if (!license) throw new Error(`${name} ${version} names no licence, so no bundle may contain it`)
  const texts = await Promise.all(names.sort().map((file) => readFile(join(root, folder, file), "utf8")))
  return [`${name} ${version} (${license})\n`, ...texts.map((text) => `${text.trim()}\n`)].join("\n")
}

/** The same packages for programs that look for known weaknesses. */
async function writeBillOfMaterials() {
  const [manifest, lock] = await Promise.all(
    ["package.json", "package-lock.json"].map(async (file) =>
      JSON.parse(await readFile(join(root, file), "utf8")),
    ),
  )
  // node_modules itself may be a link to another folder.
  const paths = bundledPackages().map((path) => path.slice(path.indexOf("node_modules/")))
  const bill = billOfMaterials({ manifest, lock, bundled: paths })
  await writeFile(join(dist, "sbom.cdx.json"), `${JSON.stringify(bill, null, 2)}\n`)
}

for (const name of ["alarm", "schedule", "manual"].filter(isWanted)) await buildLambda(name)
if (isWanted("functiongraph")) await buildFunctionGraph()
if (isWanted("cli")) await buildCli()
if (isWanted("package")) await bundle("package", { index: "functions/package.ts" }, esm)
await writeNotices()
await writeBillOfMaterials()
console.log(`built into ${relative(root, dist) || "."}/`)
