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
  /** `process.versions.v8` and `process.arch` of the Node.js that made the code cache. */
  v8: string
  arch: string
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
  /** The loaded files that were compiled here or taken from the code cache. */
  readonly scripts = new Map<string, { script: Script; source: Buffer }>()
  readonly #folder: string
  readonly #files: Manifest["files"]
  readonly #compilesAll: boolean

  /** `compilesAll`: compiles also the files without a code cache, to make one. */
  constructor(folder: string, { compilesAll = false } = {}) {
    this.#folder = folder
    this.#compilesAll = compilesAll
    this.#files = this.#readManifest()
  }

  /**
   * The exports of a file. A file that has no usable code cache is loaded by `require`.
   * Throws what the file throws.
   */
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
    const digests = Object.hasOwn(this.#files, file) ? this.#files[file] : undefined
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
      this.problem ??= `V8 refused the code cache of ${file}, which was made with other options of Node.js; this one has ${optionsHere()}`
    if (this.#compilesAll) this.scripts.set(file, { script, source })
    return script
  }

  #readCache({ file, path, source, digests }: CacheOf): Buffer | undefined {
    const cache = readIfThere(cacheOf(path))
    if (cache === null) {
      this.problem ??= `the code cache of ${file} cannot be read`
      return undefined
    }
    if (digestOf(source) === digests.source && digestOf(cache) === digests.cache) return cache
    this.problem ??= `the code cache of ${file} does not belong to it`
    return undefined
  }

  #readManifest(): Manifest["files"] {
    const path = join(this.#folder, MANIFEST)
    if (!existsSync(path)) return {}
    const manifest = manifestIn(readIfThere(path))
    if (manifest === null) {
      this.problem = `${MANIFEST} is damaged`
      return {}
    }
    const { v8, arch, files } = manifest
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
  const given = [...process.execArgv, ...(process.env["NODE_OPTIONS"] ?? "").split(" ")]
  return given.filter((option) => option.startsWith("--")).join(" ") || "none"
}

/** `null` if there is no such file, or if it cannot be read. */
function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path)
  } catch {
    return null
  }
}

/** `null` unless the text is a manifest that lists main.js. */
function manifestIn(text: Buffer | null): Manifest | null {
  try {
    const { v8, arch, files } = JSON.parse(String(text)) as Manifest
    const texts = [v8, arch, ...Object.values(files).flatMap(({ source, cache }) => [source, cache])]
    const isWhole = Object.hasOwn(files, "main.js") && texts.every((one) => typeof one === "string")
    return isWhole ? { v8, arch, files } : null
  } catch {
    return null
  }
}

export function digestOf(data: Buffer): string {
  return createHash("sha256").update(data).digest("hex")
}
