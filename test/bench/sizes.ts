import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { gzipSync } from "node:zlib"

export interface BundleSize {
  /**
   * Size of the files read before the first event: the entry and its static imports, without dynamic ones.
   */
  startBytes: number
  /** Size of all files in the folder. */
  rawBytes: number
  gzipBytes: number
}

export function bundleSize(entry: string): BundleSize {
  const folder = dirname(entry)
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)))
  return {
    startBytes: sum([...filesAtStart(entry)].map((file) => readFileSync(file).byteLength)),
    rawBytes: sum(files.map((file) => file.byteLength)),
    gzipBytes: sum(files.map((file) => gzipSync(file).byteLength)),
  }
}

const STATIC_IMPORT = /(?:\bfrom|\bimport|(?<!then\(\(\)=>(?:__toESM\()?)\brequire\()\s*"(\.\/[\w-]+\.m?js)"/g

/** Follows static imports and requires between the files of one bundle, as esbuild writes them. */
export function filesAtStart(entry: string): Set<string> {
  // A function's entry checks the version of Node.js, and then loads main.js by its loader.
  const loaded = ["code-cache.js", "main.js"].map((name) => join(dirname(entry), name))
  const found = new Set(existsSync(loaded[0] ?? "") ? [entry, ...loaded] : [entry])
  for (const file of found) {
    for (const [, name] of readFileSync(file, "utf8").matchAll(STATIC_IMPORT))
      if (name !== undefined) found.add(join(dirname(file), name))
  }
  return found
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
