import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"

// Several test files need the same bundles, and building one costs as much as many tests. So the first file that needs
// one builds it, for all workers of the run.

const FOLDER = "TEST_BUILDS_FOLDER"
const POLL_MS = 20

const known = new Map<string, Promise<string>>()

/**
 * The folder in which `make` has put what `name` means. It is made once per run of the tests; nothing may change it
 * afterwards. Throws what went wrong in the process that made it.
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

/** Of the whole run; of this process alone where Vitest did not start it (`npm run storm`). */
function runFolder(): string {
  const shared = process.env[FOLDER]
  if (shared !== undefined) return shared
  const own = mkdtempSync(join(tmpdir(), "builds-"))
  process.env[FOLDER] = own
  process.once("exit", () => rmSync(own, { recursive: true, force: true }))
  return own
}

/** Vitest's global setup: makes the folder, which workers inherit by their environment, and removes it at the end. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "builds-"))
  process.env[FOLDER] = folder
  return () => rmSync(folder, { recursive: true, force: true })
}
