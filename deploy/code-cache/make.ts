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
/** A training run takes less than a second. An option such as --inspect-brk would make it wait forever. */
const MAX_RUN_MS = 60_000
const run = promisify(execFile)

export interface CodeCacheOptions {
  /** The built folder (`dist`). */
  dist: string
  name: FunctionName
  /** Path of the Node.js that will run the function. Another version of V8 cannot use the code cache. */
  node: string
  /** Options of that Node.js. V8 refuses the code cache if options that matter to it differ. */
  nodeOptions: readonly string[]
}

/** The options in CODE_CACHE_NODE_OPTIONS. Throws DeployError if there is a word that is no option. */
export function nodeOptionsIn(env: Record<string, string | undefined>): string[] {
  const words = (env["CODE_CACHE_NODE_OPTIONS"] ?? "").split(" ").filter((word) => word !== "")
  if (words[0]?.startsWith("-") === false)
    throw new DeployError([`CODE_CACHE_NODE_OPTIONS: ${words[0]} is no option of Node.js`])
  return words
}

/**
 * Writes the code cache beside the bundle, and returns what it is for. Throws
 * DeployError if the function does not work in the sandbox: then the build is broken, the given Node.js cannot run it,
 * or an option is wrong. Two caches of the same bundle may differ.
 */
export async function makeCodeCache(options: CodeCacheOptions): Promise<MadeFor> {
  const bundle = join(options.dist, options.name)
  if (!existsSync(bundle)) throw new DeployError([`${bundle}: is not built: run npm run build`])
  const { version, arch, path, hasSqlite } = await askNode(options.node)
  const target = { ...options, node: path }
  // Each run adds to the code cache what its ledger needs.
  await trainingRun(target, "dynamodb")
  // A function has no node_modules, so it can use SQLite only if Node.js has it.
  if (hasSqlite) await trainingRun(target, "sqlite")
  return { version, arch, nodeOptions: options.nodeOptions }
}

export interface MadeFor {
  /** Of Node.js, such as `24.21.0`. */
  version: string
  /** `process.arch`, such as `arm64`. */
  arch: string
  nodeOptions: readonly string[]
}

/** A line for the person who packages. */
export function sayCodeCache({ version, arch, nodeOptions }: MadeFor): string {
  const options = nodeOptions.length > 0 ? `the options ${nodeOptions.join(" ")}` : "no options"
  return `code cache for Node.js ${version} on ${arch} with ${options}. On any other, the function starts without it and logs a warning`
}

interface TargetNode {
  version: string
  arch: string
  /** Its own path. A command such as `node` may start another Node.js with another PATH. */
  path: string
  hasSqlite: boolean
}

/** Throws DeployError if this is no Node.js. */
export async function askNode(node: string): Promise<TargetNode> {
  const script = `JSON.stringify({ version: process.versions.node, arch: process.arch,
    path: process.execPath, hasSqlite: require("node:module").isBuiltin("node:sqlite") })`
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
    // The example request of `manual` asks for a dry run.
    const failure = failureOf(ran, {
      orders: world.sandbox.orders.length,
      expected: name === "manual" ? 0 : 1,
    })
    if (failure !== null)
      throw new DeployError([
        `${name}: no code cache, because its training run in the sandbox failed: ${failure}`,
        ...[ran.stdout, ran.stderr].map((text) => text.trim()).filter((text) => text !== ""),
        `It was run by ${[node, ...nodeOptions].join(" ")} (CODE_CACHE_NODE, CODE_CACHE_NODE_OPTIONS)`,
      ])
  } finally {
    await world.close()
    await rm(folder, { recursive: true })
  }
}

interface Ran {
  /** Null if a signal ended the process: ours at the time limit, or that of its own crash. */
  code: number | string | null
  killed?: boolean
  signal?: string
  stdout: string
  stderr: string
}

function failureOf(
  { code, killed, signal }: Ran,
  { orders, expected }: { orders: number; expected: number },
): string | null {
  if (killed) return `it did not end within ${MAX_RUN_MS / 1_000} s`
  if (code === null) return `signal ${signal} ended it`
  if (code !== 0) return `exit code ${code}`
  return orders === expected ? null : `it placed ${orders} orders instead of ${expected}`
}
