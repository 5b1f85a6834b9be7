import { readdir, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { join } from "node:path"
import { build } from "esbuild"

// What a start pays for the form of a bundle: Node.js's own modules, and the number of files.

/** CommonJS dependencies call require, which a module does not have. */
export const REQUIRE = {
  js: 'import { createRequire as requireFrom } from "node:module";const require = requireFrom(import.meta.url);',
}

/** Modules that a start never needs. They are loaded by the first call of one of their functions. */
const ON_CALL = [
  "node:tls",
  "node:fs/promises",
  "node:https",
  "node:http",
  "node:zlib",
  "node:module",
  "node:os",
  "node:timers/promises",
]

const requireHere = createRequire(import.meta.url)

/**
 * Imports of Node.js's own modules become calls of require. `import` reads every property of such a module, and by that loads
 * modules that only these properties need: node:crypto loads all of WebCrypto. That was a tenth of a start.
 */
export const builtinsByRequire = {
  name: "builtins-by-require",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^node:/ }, ({ path, kind, namespace, importer }) =>
      kind === "import-statement" && namespace === "file"
        ? { path: `${path} ${packageOf(importer)}`, namespace: "builtin", sideEffects: false }
        : undefined,
    )
    onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({
      contents: builtinModule(path.split(" ")[0]),
    }))
  },
}

/** A package reads only what it uses itself, and in the file that holds it: some properties load further modules. */
function packageOf(importer) {
  return /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(importer)?.[1] ?? ""
}

/** Names that are not used are left out of the bundle. A class cannot be made on its first call: those stay as they are. */
function builtinModule(path) {
  const load = `require(${JSON.stringify(path)})`
  const isOnCall = ON_CALL.includes(path)
  const module = requireHere(path)
  const names = Object.keys(module).filter((name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== "default")
  const members = names.map((name) => {
    const isFunction = typeof module[name] === "function" && /^[a-z]/.test(name)
    return isOnCall && isFunction
      ? `export const ${name} = (...given) => ${load}.${name}(...given)`
      : `export const ${name} = /* @__PURE__ */ (() => ${load}.${name})()`
  })
  const whole = isOnCall ? `new Proxy({}, { get: (_, name) => ${load}[name] })` : `(() => ${load})()`
  return [...members, `export default /* @__PURE__ */ ${whole}`].join("\n")
}

const nameOf = (path) => path.split("/").at(-1)

/** Names of the files of one bundle that `entry` reads, itself first, without those that it imports on demand. */
export function filesOf(entry, outputs) {
  const byName = new Map(Object.entries(outputs).map(([path, output]) => [nameOf(path), output]))
  const found = new Set([entry])
  for (const name of found)
    for (const { path, kind } of byName.get(name)?.imports ?? [])
      if (kind !== "dynamic-import" && byName.has(nameOf(path))) found.add(nameOf(path))
  return [...found]
}

/**
 * Joins files of one bundle, since each file costs a start its search and its linking. Their text moves into `file`; each of
 * them stays and hands on what it held before, until `dropHandedOn`. One that is `file` itself keeps its exports. Returns the
 * names of the files that only hand on.
 */
export async function joinFiles({ outdir, file, names, outputs }) {
  const exportsOf = new Map(Object.entries(outputs).map(([path, output]) => [nameOf(path), output.exports]))
  const chunks = names.filter((name) => name !== file).map((name, i) => ({ name, own: `of${i}_` }))
  const listOf = (name, say) => exportsOf.get(name).map(say).join(", ")
  const contents = [
    ...(names.includes(file) ? [`export * from "./${file}"`] : []),
    ...chunks.map(
      ({ name, own }) => `export { ${listOf(name, (one) => `${one} as ${own}${one}`)} } from "./${name}"`,
    ),
  ].join("\n")
  await build({
    stdin: { contents, resolveDir: outdir, loader: "js" },
    outfile: join(outdir, file),
    allowOverwrite: true,
    ...JOINING,
    plugins: [onlyThese(names)],
  })
  await Promise.all(
    chunks.map(({ name, own }) => {
      const list = listOf(name, (one) => `${own}${one} as ${one}`)
      return writeFile(join(outdir, name), `export { ${list} } from "./${file}"\n`)
    }),
  )
  return chunks.map(({ name }) => name)
}

/**
 * Makes the files of a bundle import from the joined files directly: a file that only hands on costs a start its search and
 * its linking, too. `handedOn`: what `joinFiles` returned. They are removed, except those that are imported on demand.
 */
export async function dropHandedOn({ outdir, handedOn, outputs }) {
  const files = (await readdir(outdir)).filter((name) => SCRIPT.test(name) && !handedOn.includes(name))
  await build({
    entryPoints: files.map((name) => join(outdir, name)),
    outdir,
    allowOverwrite: true,
    ...JOINING,
    plugins: [onlyThese(handedOn)],
  })
  const onDemand = Object.values(outputs).flatMap(({ imports }) =>
    imports.filter(({ kind }) => kind === "dynamic-import").map(({ path }) => nameOf(path)),
  )
  const unused = handedOn.filter((name) => !onDemand.includes(name))
  await Promise.all(unused.map((name) => rm(join(outdir, name))))
}

const SCRIPT = /[.]js$/

const JOINING = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: "warning",
  packages: "external",
}

function onlyThese(names) {
  return {
    name: "only-these-files",
    setup({ onResolve }) {
      onResolve({ filter: /^[.][/]/ }, ({ path, kind }) =>
        kind === "dynamic-import" || !names.includes(nameOf(path)) ? { path, external: true } : undefined,
      )
    },
  }
}
