import { readFile } from "node:fs/promises"
import { transform } from "esbuild"

// Plugins of esbuild that leave out of the bundles what we never use of packages, and what a start would pay for it.

const UNDICI = /[\\/]undici[\\/]lib[\\/]/

/** Modules of Node.js that undici loads at its start for very little, and what it uses of them. */
const UNDICI_BUILTINS = {
  // Every call is `assert(condition, message)`.
  "node:assert": `module.exports = (ok, message) => {
    if (ok) return
    throw message instanceof Error ? message : Object.assign(new Error(message ?? "an assertion in undici failed"), { code: "ERR_ASSERTION" })
  }`,
  // undici only compares bodies with this class, and we send no such body. 16 KiB is Node.js's own default.
  "node:http": "exports.IncomingMessage = class {}; exports.maxHeaderSize = 16 * 1024",
  "node:querystring": 'exports.stringify = (query) => require("node:querystring").stringify(query)',
}

/**
 * Of undici we use dispatchers and request; its fetch, caches, mocks and interceptors, which its index loads as well,
 * were a quarter of the cold start. In their place stand classes that fail on the first call.
 */
export const leanUndici = {
  name: "lean-undici",
  setup({ onLoad, onResolve }) {
    const unused =
      /[\\/]undici[\\/]lib[\\/]((web|mock|cache|interceptor)[\\/]|(dispatcher[\\/](client-h2|h2c-client|proxy-agent|socks5-proxy-agent|env-http-proxy-agent|retry-agent|balanced-pool|round-robin-pool)|handler[\\/](retry|redirect|cache|decorator)[a-z-]*|core[\\/]socks5-[a-z]+|util[\\/]cache|api[\\/]api-(stream|pipeline|upgrade|connect))[.]js)/
    const contents = "module.exports = new Proxy({}, { get: () => class LeftOutOfTheBundle {} })"
    onLoad({ filter: unused }, () => ({ contents }))
    const filter = new RegExp(`^(${Object.keys(UNDICI_BUILTINS).join("|")})$`)
    onResolve({ filter }, ({ path, importer, namespace }) =>
      namespace === "file" && UNDICI.test(importer) ? { path, namespace: "of-undici" } : undefined,
    )
    onLoad({ filter: /./, namespace: "of-undici" }, ({ path }) => ({ contents: UNDICI_BUILTINS[path] }))
  },
}

/** Middy answers in streams where a function asks for that; none of ours does. */
const MIDDY_STREAMS = {
  "node:stream/promises": 'export const pipeline = () => { throw new Error("left out of the bundle") }',
  "node:stream/web": "export class ReadableStream {}",
}

/** JSON Schemas are written from the sources, never by a bundle. */
export const leanZod = {
  name: "lean-zod",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]core[\\/](json-schema-processors|to-json-schema)[.]js$/ }, leftOut)
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]core[\\/]util[.]js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8")
      if (!text.includes(ZOD_MEMBERS)) throw new Error(`${path}: zod installs its methods in another way now`)
      const made = `${ONE_SET_OF_MEMBERS}${ZOD_MEMBERS.replace("members", "makeMembers")}`
      return { contents: await shortened(path, text.replace(ZOD_MEMBERS, made)) }
    })
  },
}

const ZOD_MEMBERS = "export function members(proto, table) {"

/** zod makes the accessors of its methods for each class of schemas. One set of them does for all: they differ in nothing. */
const ONE_SET_OF_MEMBERS = `
const madeMembers = new Map();
export function members(proto, table) {
  if (!madeMembers.has(table)) {
    const made = {};
    makeMembers(made, table);
    madeMembers.set(table, Object.getOwnPropertyDescriptors(made));
  }
  Object.defineProperties(proto, madeMembers.get(table));
}
`

/** Parts that no function uses: answers as streams, and undici's parser for machines without SIMD. */
export const leanFunction = {
  name: "lean-function",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^node:stream[/](promises|web)$/ }, ({ path, importer }) =>
      /[\\/]@middy[\\/]core[\\/]/.test(importer) ? { path, namespace: "of-middy" } : undefined,
    )
    onLoad({ filter: /./, namespace: "of-middy" }, ({ path }) => ({ contents: MIDDY_STREAMS[path] }))
    // The clouds' machines have it. On one without, the first read fails before a byte leaves, so nothing is bought: test/packaging/start.test.ts.
    const withoutSimd = /[\\/]undici[\\/]lib[\\/]llhttp[\\/]llhttp-wasm[.]js$/
    onLoad({ filter: withoutSimd }, () => ({ contents: 'module.exports = require("./llhttp_simd-wasm.js")' }))
  },
}

/** A module with the same names, whose functions fail. Those that make methods of schemas make ones that fail. */
async function leftOut({ path }) {
  const names = [...(await readFile(path, "utf8")).matchAll(/^export (?:const|function) (\w+)/gm)].map(
    ([, name]) => name,
  )
  const exported = names.map(
    (name) => `export const ${name} = ${name.startsWith("create") ? "() => leftOut" : "leftOut"}`,
  )
  const contents = `const leftOut = () => { throw new Error("left out of the bundle") }\n${exported.join("\n")}\nexport { leftOut as process }`
  return { contents }
}

/** Commander starts other programs as commands; ours are none, and node:child_process loads all of node:net. */
export const leanCommander = {
  name: "lean-commander",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^node:child_process$/ }, ({ path, importer }) =>
      /[\\/]commander[\\/]lib[\\/]/.test(importer) ? { path, namespace: "of-commander" } : undefined,
    )
    const contents = 'exports.spawn = () => { throw new Error("left out of the bundle") }'
    onLoad({ filter: /./, namespace: "of-commander" }, () => ({ contents }))
  },
}

/**
 * Takes yaml's build for browsers: the same code as modules, from which esbuild leaves out what is not used. The build for
 * Node.js is CommonJS, which stays whole.
 */
export const leanYaml = {
  name: "lean-yaml",
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^yaml$/ }, async ({ resolveDir, kind, pluginData }) => {
      if (pluginData === "yaml") return undefined
      const { path } = await resolve("yaml", { resolveDir, kind, pluginData: "yaml" })
      return {
        path: path.replace(/([\\/])dist([\\/])index[.]js$/, "$1browser$1dist$2index.js"),
        sideEffects: false,
      }
    })
  },
}

const COMMON_JS = /[\\/]undici[\\/]lib[\\/]/

const AT_THE_TOP = /^(?:async )?(?:function[*]?|(?:abstract )?class) \w/gm

/** esbuild shortens each name of a module that it does not export. An export that no module imports adds nothing to the bundle. */
function withNamesKept(text) {
  return text.replace(AT_THE_TOP, "export $&")
}

/** An entry keeps exactly its own exports: the cloud or the shell uses them. */
function isEntry(path) {
  return /[\\/]functions[\\/][^\\/]+[.]ts$/.test(path)
}

/** A package's module with short names. */
async function shortened(path, text) {
  const options = { minifyIdentifiers: true, target: "node20" }
  const { code } = await transform(text, COMMON_JS.test(path) ? { ...options, format: "cjs" } : options)
  return code
}

/** Short local names: a start reads less, and a stack trace still names each function and class at the top of its module. */
export const shortNames = {
  name: "short-names",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/](lib|functions)[\\/].*[.]ts$/ }, async ({ path }) => {
      const options = { loader: "ts", minifyIdentifiers: true, target: "node20" }
      const text = await readFile(path, "utf8")
      const { code } = await transform(isEntry(path) ? text : withNamesKept(text), options)
      return { contents: code }
    })
    onLoad(
      { filter: /[\\/]node_modules[\\/](undici|zod|yaml|@middy|@aws-lambda-powertools)[\\/].*[.]js$/ },
      async ({ path }) => ({ contents: await shortened(path, await readFile(path, "utf8")) }),
    )
  },
}
