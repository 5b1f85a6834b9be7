import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { DeployError } from "../policy-files.ts"
import { eventsOf, type FunctionName } from "./events.ts"
import { startWorld } from "./world.ts"

// V8's code cache of the built functions. In a training run, a process loads a function and passes it example events,
// in a sandbox cloud. V8 then writes the code that it compiled for them into the code cache.

const TRAINING_RUN = join(import.meta.dirname, "training-run.mjs")
/** A training run takes less than a second. An option such as --inspect-brk makes it wait for ever. */
const MAX_RUN_MS = 60_000
const run = promisify(execFile)

export interface CodeCacheOptions {
  /** The built folder (`dist`). */
  dist: string
  name: FunctionName
  /** Path of the Node.js that will run the function. Another version of V8 cannot use the code cache. */
  node: string
  /** Options of that Node.js. V8 refuses the code cache if other ones that it heeds are set. */
  nodeOptions: readonly string[]
}

/** The options of Node.js in CODE_CACHE_NODE_OPTIONS. */
export function nodeOptionsIn(env: Record<string, string | undefined>): string[] {
  return (env["CODE_CACHE_NODE_OPTIONS"] ?? "").split(" ").filter((option) => option !== "")
}

/**
 * Writes the code cache beside the bundle, and returns what it is for, such as `Node.js 24.21.0 on arm64`. Throws
 * DeployError if the function does not work in the sandbox: then the build is broken, or the given Node.js cannot run
 * it. Two caches of the same bundle may differ.
 */
export async function makeCodeCache(options: CodeCacheOptions): Promise<string> {
  const bundle = join(options.dist, options.name)
  if (!existsSync(bundle)) throw new DeployError([`${bundle}: is not built: run npm run build`])
  const { version, arch, hasSqlite } = await askNode(options.node)
  // Each run adds to the code cache what its ledger needs.
  await trainingRun(options, "dynamodb")
  // A function has no packages, so only SQLite of Node.js itself serves it.
  if (hasSqlite) await trainingRun(options, "sqlite")
  return `Node.js ${version} on ${arch}`
}

interface TargetNode {
  version: string
  arch: string
  hasSqlite: boolean
}

async function askNode(node: string): Promise<TargetNode> {
  const script = `JSON.stringify({ version: process.versions.node, arch: process.arch,
    hasSqlite: require("node:module").isBuiltin("node:sqlite") })`
  try {
    const { stdout } = await run(node, ["-p", script])
    return JSON.parse(stdout)
  } catch {
    throw new DeployError([`${node}: is no Node.js that runs on this machine (CODE_CACHE_NODE)`])
  }
}

async function trainingRun(
  { dist, name, node, nodeOptions }: CodeCacheOptions,
  ledger: "sqlite" | "dynamodb",
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "code-cache-"))
  const world = await startWorld(folder, ledger)
  try {
    const events = join(folder, "events.json")
    await writeFile(events, JSON.stringify(await eventsOf(name)))
    const args = [...nodeOptions, TRAINING_RUN, join(dist, name), events]
    const ran: Ran = await run(node, args, { env: world.settings, timeout: MAX_RUN_MS }).then(
      (output) => ({ ...output, code: 0 }),
      (error: Error & Ran) => error,
    )
    // The example of a request asks for a dry run.
    const failure = failureOf(ran, {
      orders: world.sandbox.orders.length,
      expected: name === "manual" ? 0 : 1,
    })
    if (failure !== null)
      throw new DeployError([
        `${name}: no code cache, because its training run in the sandbox failed: ${failure}`,
        ...[ran.stdout, ran.stderr].map((text) => text.trim()).filter((text) => text !== ""),
      ])
  } finally {
    await world.close()
    await rm(folder, { recursive: true })
  }
}

interface Ran {
  /** Null if the process was stopped at the time limit. */
  code: number | string | null
  stdout: string
  stderr: string
}

function failureOf({ code }: Ran, { orders, expected }: { orders: number; expected: number }): string | null {
  if (code === null) return `it did not end within ${MAX_RUN_MS / 1_000} s`
  if (code !== 0) return `exit code ${code}`
  return orders === expected ? null : `it placed ${orders} orders instead of ${expected}`
}
