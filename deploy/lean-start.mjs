import { readFile, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { join } from "node:path"
import { build } from "esbuild"

// What a start pays for the form of a bundle: Node.js's own modules, and the number of files.

/** CommonJS dependencies call require, which a module does not have. */
export const REQUIRE = {
  js: 'import { createRequire as requireFrom } from "node:module";const require = requireFrom(import.meta.url);',
}

/** Modules that a start never needs. They are loaded by the first call of one of their functions. */
const ON_CALL = ["node:tls", "node:fs/promises", "node:https", "node:http", "node:zlib"]

const requireHere = createRequire(import.meta.url)

/**
 * Imports of Node.js's own modules become calls of require. `import` reads every property of such a module, and by that loads
 * modules that only these properties need: node:crypto loads all of WebCrypto. That was a tenth of a start.
 */
export const builtinsByRequire = {
  name: "builtins-by-require",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^node:/ }, ({ path, kind, namespace }) =>
      kind === "import-statement" && namespace === "file"
        ? { path, namespace: "builtin", sideEffects: false }
        : undefined,
    )
    onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({ contents: builtinModule(path) }))
  },
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

/**
 * Joins the files that a start reads into its entry, since each file costs a start its search and its linking. A file that
 * others import on demand stays, and hands on what it held before. `as`: the name by which they find the entry.
 */
export async function joinStart({ outdir, entry, outputs, as = entry, banner }) {
  const nameOf = (path) => path.split("/").at(-1)
  const byName = new Map(Object.entries(outputs).map(([path, output]) => [nameOf(path), output]))
  const atStart = new Set([entry])
  for (const name of atStart)
    for (const { path, kind } of byName.get(name)?.imports ?? [])
      if (kind !== "dynamic-import" && byName.has(nameOf(path))) atStart.add(nameOf(path))
  const chunks = [...atStart].filter((name) => name !== entry).sort()
  const prefix = (i) => `of${i}_`
  const handedOn = (text) => chunks.flatMap((name, i) => text(name, byName.get(name).exports, prefix(i)))
  const contents = [
    `export * from "./${entry}"`,
    ...handedOn((name, names, own) =>
      names.length > 0
        ? [`export { ${names.map((one) => `${one} as ${own}${one}`).join(", ")} } from "./${name}"`]
        : [],
    ),
  ].join("\n")
  await build({
    stdin: { contents, resolveDir: outdir, loader: "js" },
    outfile: join(outdir, entry),
    allowOverwrite: true,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: "warning",
    packages: "external",
    ...(banner ? { banner } : {}),
    plugins: [
      {
        name: "start-only",
        setup({ onLoad, onResolve }) {
          onResolve({ filter: /^[.][/]/ }, ({ path, kind }) =>
            kind === "dynamic-import" || !atStart.has(nameOf(path)) ? { path, external: true } : undefined,
          )
          onLoad({ filter: /[.]m?js$/ }, async ({ path }) => {
            const text = await readFile(path, "utf8")
            return { contents: banner && text.startsWith(banner.js) ? text.slice(banner.js.length) : text }
          })
        },
      },
    ],
  })
  await Promise.all(
    handedOn((name, names, own) => {
      const list = names.map((one) => `${own}${one} as ${one}`).join(",")
      return [writeFile(join(outdir, name), names.length > 0 ? `export{${list}}from"./${as}";\n` : "")]
    }),
  )
}
