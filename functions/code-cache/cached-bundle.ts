import { createHash } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { createRequire, Module } from "node:module"
import { basename, join } from "node:path"
import { Script } from "node:vm"

// V8's code cache of a function's bundle. V8 writes the compiled code of a script after it ran (`createCachedData` of
// node:vm); a later process that gets it compiles nothing, which saves a third of a cold start. V8 refuses the
// code of another version, and of other options. It compares only the length of the source, so a manifest has
// the digests of both.

/** A bundle's folder has its manifest in this file. Without one, the bundle is loaded as usual. */
export const MANIFEST = "code-cache.json"

/** The code cache of `main.js` is in `main.js.cache`. */
export function cacheOf(file: string): string {
  return `${file}.cache`
}

export interface Manifest {
  /** `process.versions.v8` and `process.arch` of the Node.js that made the code cache, and its options. */
  v8: string
  arch: string
  options: string
  /** By name of the file in the bundle's folder. */
  files: Record<string, Digests>
}

/** SHA-256, hexadecimal. */
interface Digests {
  source: string
  cache: string
}

/** Loads CommonJS files of one folder. */
export class CachedBundle {
  /** Why the code cache or a part of it is not used; `null` if there is none or all of it is used. */
  problem: string | null = null
  /** The files of the manifest; none if it is for another V8. */
  readonly files: Manifest["files"]
  /** With `compilesAll`, the files loaded so far. */
  readonly scripts = new Map<string, { script: Script; source: Buffer }>()
  readonly #folder: string
  readonly #compilesAll: boolean
  #options = ""

  /** `compilesAll`: compiles also files without a code cache by node:vm, to make one. */
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
    // Files that are loaded by `require` find it there.
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
      // Older versions of V8 take it from the cache, which was made in another folder.
      filename: join(basename(this.#folder), file),
      columnOffset: -BEFORE.length,
      ...(cachedData ? { cachedData } : {}),
    })
    if (script.cachedDataRejected)
      this.problem ??= `V8 refused the code cache of ${file}: it was made with the options of Node.js "${this.#options}", and this one has "${optionsHere()}"`
    if (this.#compilesAll) this.scripts.set(file, { script, source })
    return script
  }

  #readCache({ file, path, source, digests }: CacheOf): Buffer | undefined {
    const cache = readOrNull(cacheOf(path))
    if (cache !== null && digestOf(source) === digests.source && digestOf(cache) === digests.cache)
      return cache
    this.problem ??= `the code cache of ${file} ${cache === null ? "cannot be read" : "does not belong to it"}`
    return undefined
  }

  #readManifest(): Manifest["files"] {
    const path = join(this.#folder, MANIFEST)
    if (!existsSync(path)) return {}
    const manifest = manifestIn(readOrNull(path))
    if (manifest === null) {
      this.problem = `${MANIFEST} is damaged`
      return {}
    }
    const { v8, arch, options, files } = manifest
    this.#options = options
    if (v8 === process.versions.v8 && arch === process.arch) return files
    this.problem = `the code cache was made for V8 ${v8} on ${arch}, and this is V8 ${process.versions.v8} on ${process.arch} (Node.js ${process.versions.node})`
    return {}
  }
}

interface CacheOf {
  file: string
  path: string
  source: Buffer
  digests: Digests
}

/** As Node.js wraps a CommonJS file. */
const BEFORE = "(function (exports, require, module, __filename, __dirname) { "
const AFTER = "\n})"

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

export function digestOf(data: Buffer): string {
  return createHash("sha256").update(data).digest("hex")
}
