import { execFileSync } from "node:child_process"
import { pathToFileURL } from "node:url"

/**
 * Median milliseconds from the start of a Node.js process until the module is imported, for each file. The
 * files take turns, so that a machine that slows down slows all of them.
 */
export function coldImportMs(files: readonly string[], rounds: number): number[] {
  const times = files.map((): number[] => [])
  // One round is not counted, so that every counted file was read from the disk before.
  for (let round = -1; round < rounds; round++) {
    for (const [i, file] of files.entries()) {
      const ms = importOnce(file)
      if (round >= 0) times[i]?.push(ms)
    }
  }
  return times.map(median)
}

function importOnce(file: string): number {
  // As on the platforms, which load CommonJS by require. `import` would first search its 1.7 MB for exported
  // names.
  const load = file.endsWith(".mjs")
    ? `import(${JSON.stringify(pathToFileURL(file).href)})`
    : `Promise.resolve(require(${JSON.stringify(file)}))`
  const script = `${load}.then(() => {
    process.stdout.write(String(performance.now()), () => process.exit(0))
  })`
  return Number(execFileSync(process.execPath, ["-e", script], { encoding: "utf8" }))
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]]
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2
}
