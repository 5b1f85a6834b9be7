import { existsSync, readFileSync } from "node:fs"
import { createRequire, Module } from "node:module"
import { basename, join } from "node:path"
import { Script } from "node:vm"
import { digestText } from "../../lib/digest.ts"

// V8's code cache of a function's bundle. V8 writes the compiled code of a script after it ran (`createCachedData` of
// node:vm). A later process that gets it need not compile that code again, which saves a third of the CPU to a first
// order. V8 refuses the code of another version or of other options. It checks no more of the source than its
// length, and nothing of the code cache, so the manifest has a digest of each.

/** Name of the manifest in a bundle's folder. A bundle without one is loaded as usual. */
export const MANIFEST = "code-cache.json"

/** The code cache of `main.js` is in `main.js.cache`. */
export function cacheOf(file: string): string {
  return `${file}.cache`
}

interface Manifest {
  /** `process.versions.v8` of the Node.js that made the code cache. */
  v8: string
  /** Its `process.arch`. */
  arch: string
  /** Its options, joined by spaces. */
  options: string
  /** By name of the file in the bundle's folder. */
  files: Record<string, Digests>
}

/** As `digestText` of lib/digest.ts gives them. */
interface Digests {
  source: string
  cache: string
}

/** Loads CommonJS files of one folder. */
export class CachedBundle {
  /** The first reason why a file was loaded without its code cache, and what to do. `null` if there is no such file. */
  problem: string | null = null
  /** The files of the manifest; none if it is missing, damaged, or for another V8 or processor. */
  readonly files: Manifest["files"]
  /** With `compilesAll`, the files loaded so far. */
  readonly scripts = new Map<string, { script: Script; source: Buffer }>()
  readonly #folder: string
  readonly #compilesAll: boolean
  #options = ""

  /** `compilesAll`: also compiles files that have no code cache, so that one can be made. */
  constructor(folder: string, { compilesAll = false } = {}) {
    this.#folder = folder
    this.#compilesAll = compilesAll
    this.files = this.#readManifest()
  }

  /** The exports of a file. A file without a code cache that belongs to it is loaded by `require`. Throws what the file throws. */
  load(file: string): unknown {
    const path = join(this.#folder, file)
    const require = createRequire(path)
    const loaded = require.cache[path]
    if (loaded) return loaded.exports
    const script = this.#scriptOf(file, path)
    return script === null ? require(path) : this.#run(script, path, require)
  }

  #run(script: Script, path: string, require: NodeJS.Require): unknown {
    const requireBeside = (id: string): unknown =>
      id.startsWith("./") ? this.load(id.slice("./".length)) : require(id)
    const module = new Module(path)
    module.filename = path
    // So that files loaded by `require` get this module and not a second one.
    require.cache[path] = module
    try {
      script.runInThisContext()(module.exports, requireBeside, module, path, this.#folder)
    } catch (error) {
      delete require.cache[path]
      throw error
    }
    module.loaded = true
    return module.exports
  }

  /** `null` if the file is to be loaded by `require`. */
  #scriptOf(file: string, path: string): Script | null {
    const digests = Object.hasOwn(this.files, file) ? this.files[file] : undefined
    if (digests === undefined && !this.#compilesAll) return null
    const source = readFileSync(path)
    const cachedData = digests === undefined ? undefined : this.#readCache({ file, path, source, digests })
    if (cachedData === undefined && !this.#compilesAll) return null
    const script = new Script(`${BEFORE}${source}${AFTER}`, {
      // Shown in stack traces. Without the folder, since older versions of V8 show the name in the code cache, which was
      // made in another one.
      filename: join(basename(this.#folder), file),
      columnOffset: -BEFORE.length,
      ...(cachedData ? { cachedData } : {}),
    })
    if (script.cachedDataRejected)
      this.problem ??= `V8 refused the code cache of ${file}. It was made with ${sayOptions(this.#options)}; this Node.js has ${sayOptions(optionsHere())}. ${FIT}`
    if (this.#compilesAll) this.scripts.set(file, { script, source })
    return script
  }

  #readCache({ file, path, source, digests }: CacheOf): Buffer | undefined {
    const cache = readOrNull(cacheOf(path))
    if (cache !== null && digestText(source) === digests.source && digestText(cache) === digests.cache)
      return cache
    const why = cache === null ? "cannot be read" : `was made for another ${file}, or one of them was changed`
    this.problem ??= `the code cache of ${file} ${why}. To fix this, package the function again`
    return undefined
  }

  #readManifest(): Manifest["files"] {
    const path = join(this.#folder, MANIFEST)
    if (!existsSync(path)) return {}
    const manifest = manifestIn(readOrNull(path))
    if (manifest === null) {
      this.problem = `${MANIFEST} is damaged. To fix this, package the function again`
      return {}
    }
    const { v8, arch, options, files } = manifest
    this.#options = options
    if (v8 === process.versions.v8 && arch === process.arch) return files
    this.problem = `the code cache was made for V8 ${v8} on ${arch}, and this is V8 ${process.versions.v8} on ${process.arch} (Node.js ${process.versions.node}). ${FIT}`
    return {}
  }
}

const FIT =
  "To fix this, package the function again with the Node.js that runs it (CODE_CACHE_NODE, CODE_CACHE_NODE_OPTIONS)"

interface CacheOf {
  file: string
  path: string
  source: Buffer
  digests: Digests
}

/** As Node.js wraps a CommonJS file. */
const BEFORE = "(function (exports, require, module, __filename, __dirname) { "
const AFTER = "\n})"

function sayOptions(options: string): string {
  return options === "" ? "no options" : `the options ${options}`
}

function optionsHere(): string {
  return [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" ").trim()
}

/** `null` if there is no such file, or if it cannot be read. */
function readOrNull(path: string): Buffer | null {
  try {
    return readFileSync(path)
  } catch {
    return null
  }
}

/** `null` unless the text is a manifest that lists main.js. */
function manifestIn(text: Buffer | null): Manifest | null {
  if (text === null) return null
  try {
    const { v8, arch, options, files } = JSON.parse(text.toString()) as Manifest
    const digests = Object.values(files).flatMap(({ source, cache }) => [source, cache])
    const isWhole = [v8, arch, options, ...digests].every((one) => typeof one === "string")
    return isWhole && Object.hasOwn(files, "main.js") ? { v8, arch, options, files } : null
  } catch {
    return null
  }
}
