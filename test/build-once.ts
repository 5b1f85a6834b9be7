import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"

// Several test files need the same bundles, and building one takes as long as many tests. So the first file
// that needs a bundle builds it for all workers of the run.

const FOLDER = "TEST_BUILDS_FOLDER"
const POLL_MS = 20

const known = new Map<string, Promise<string>>()

/**
 * Folder in which `make` has put the build `name`. It is made once per run of the tests; nothing may change
 * it afterwards. Throws an Error with the problem if the build failed in any process.
 */
export function builtOnce(name: string, make: (folder: string) => Promise<unknown>): Promise<string> {
  const promise = known.get(name) ?? builtInRun(name, make)
  known.set(name, promise)
  return promise
}

async function builtInRun(name: string, make: (folder: string) => Promise<unknown>): Promise<string> {
  const folder = join(runFolder(), name)
  const verdict = `${folder}.json`
  if (isFirst(folder)) {
    const problem = await make(folder).then(
      () => null,
      (error: unknown) => String(error),
    )
    writeFileSync(`${verdict}.new`, JSON.stringify({ problem }))
    renameSync(`${verdict}.new`, verdict)
  }
  while (!existsSync(verdict)) await pause(POLL_MS)
  const { problem } = JSON.parse(readFileSync(verdict, "utf8")) as { problem: string | null }
  if (problem !== null) throw new Error(`${name} cannot be built: ${problem}`)
  return folder
}

/** True in the one process that made the folder. */
function isFirst(folder: string): boolean {
  try {
    mkdirSync(folder)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false
    throw error
  }
}

/**
 * Folder of the whole run. If Vitest did not start this process (`npm run storm`), a folder of this process
 * alone.
 */
function runFolder(): string {
  const shared = process.env[FOLDER]
  if (shared !== undefined) return shared
  const own = mkdtempSync(join(tmpdir(), "builds-"))
  process.env[FOLDER] = own
  process.once("exit", () => rmSync(own, { recursive: true, force: true }))
  return own
}

/**
 * Vitest's global setup. Makes the folder, whose path workers inherit by their environment, and removes it at
 * the end.
 */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "builds-"))
  process.env[FOLDER] = folder
  return () => rmSync(folder, { recursive: true, force: true })
}
