import { execFile } from "node:child_process"
import { randomUUID } from "node:crypto"
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import dynalite from "dynalite"
import { systemClock } from "../../lib/app/system-clock.ts"
import { initLedger } from "../../lib/ledger/init.ts"
import { openLedger } from "../../lib/ledger/open.ts"
import { startSandbox } from "../../lib/sandbox/sandbox.ts"
import { DEFAULT_ACCESS_KEY, DEFAULT_SUPERNODE } from "../../lib/sandbox/world/defaults.ts"
import { DeployError, policyFiles } from "../policy-files.ts"

// V8's code cache of the built functions. In a training run, a process loads a function and passes it an event that
// buys, in a sandbox cloud. V8 then writes the code that it compiled for this into the code cache.

const EXAMPLES = join(import.meta.dirname, "../../examples")
const TRAINING_RUN = join(import.meta.dirname, "training-run.mjs")
const run = promisify(execFile)

/** Folders of the functions in dist/. */
export const FUNCTIONS = ["alarm", "schedule", "manual", "functiongraph"] as const
export type FunctionName = (typeof FUNCTIONS)[number]

export interface CodeCacheOptions {
  /** The built folder (`dist`). */
  dist: string
  name: FunctionName
  /** Path of the Node.js that will run the function. Another version of V8 cannot use the code cache. */
  node: string
  /** Options of that Node.js. V8 refuses the code cache if other ones that it knows are set. */
  nodeOptions: readonly string[]
}

/**
 * Writes the code cache beside the bundle, and returns what it is for, such as `Node.js 24.21.0 on arm64`. Throws
 * DeployError if the function does not buy in the sandbox: then the built function is broken, or the given Node.js cannot
 * run it. Two caches of the same bundle may differ.
 */
export async function makeCodeCache(options: CodeCacheOptions): Promise<string> {
  const { version, arch, hasSqlite } = await askNode(options.node)
  const folder = await mkdtemp(join(tmpdir(), "code-cache-"))
  const tables = dynalite({ createTableMs: 0 })
  await new Promise<void>((resolve) => tables.listen(0, "127.0.0.1", resolve))
  const { port } = tables.address() as AddressInfo
  try {
    // Each run adds to the code cache what its ledger needs.
    await trainingRun(options, {
      folder,
      ledger: `dynamodb://ledger?region=local&endpoint=http://127.0.0.1:${port}`,
    })
    // A function has no packages, so only SQLite of Node.js itself serves it.
    if (hasSqlite) await trainingRun(options, { folder, ledger: `sqlite:${join(folder, "ledger.db")}` })
    return `Node.js ${version} on ${arch}`
  } finally {
    await new Promise((resolve) => tables.close(resolve))
    await rm(folder, { recursive: true })
  }
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
  } catch (error) {
    const [why] = (error as Error).message.split("\n")
    throw new DeployError([`${node}: is no Node.js that runs on this machine (CODE_CACHE_NODE): ${why}`])
  }
}

interface Place {
  /** For the policy. */
  folder: string
  /** URL of a ledger that does not exist yet. */
  ledger: string
}

async function trainingRun({ dist, name, node, nodeOptions }: CodeCacheOptions, place: Place): Promise<void> {
  const world = await startWorld(place)
  const events = join(place.folder, "events.json")
  await writeFile(events, JSON.stringify(await eventsOf(name)))
  const args = [...nodeOptions, TRAINING_RUN, join(dist, name), events]
  const ran: Ran = await run(node, args, { env: world.settings }).then(
    (output) => ({ ...output, code: 0 }),
    (error: Error & Ran) => error,
  )
  await world.sandbox.close()
  const orders = world.sandbox.orders.length
  // The example of a request asks for a dry run.
  const expected = name === "manual" ? 0 : 1
  if (ran.code === 0 && orders === expected) return
  const failure =
    ran.code === 0 ? `it placed ${orders} orders instead of ${expected}` : `exit code ${ran.code}`
  throw new DeployError([
    `${name}: no code cache, because its training run in the sandbox failed: ${failure}`,
    ...[ran.stdout, ran.stderr].map((text) => text.trim()).filter((text) => text !== ""),
  ])
}

interface Ran {
  code: number | string
  stdout: string
  stderr: string
}

/** A sandbox with a busy supernode, the policy of `npm start` as a package has it, a new ledger, and the settings of a function. */
export async function startWorld({ folder, ledger }: Place) {
  const policy = join(folder, "policy.yaml")
  await cp(join(EXAMPLES, "first-run.yaml"), policy)
  const { packaged } = await policyFiles(policy)
  await writeFile(join(folder, packaged.name), packaged.text)
  await makeLedger(ledger)
  const sandbox = await startSandbox({ supernodes: [{ ...DEFAULT_SUPERNODE, load: { load: 97 } }] })
  const settings = {
    SUPERNODE_POLICY: policy,
    SUPERNODE_LEDGER: ledger,
    SUPERNODE_MODE: "live",
    SUPERNODE_WEBHOOK_TOKEN: TOKEN,
    SUPERNODE_MODELARTS_ENDPOINT: sandbox.url,
    SUPERNODE_CES_ENDPOINT: sandbox.url,
    HUAWEICLOUD_SDK_AK: DEFAULT_ACCESS_KEY.ak,
    HUAWEICLOUD_SDK_SK: DEFAULT_ACCESS_KEY.sk,
    AWS_ACCESS_KEY_ID: TABLE_KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: TABLE_KEYS.secretAccessKey,
  }
  return { sandbox, settings }
}

/** The table accepts any keys. */
const TABLE_KEYS = { accessKeyId: "training", secretAccessKey: "training" }

async function makeLedger(url: string): Promise<void> {
  const ledger = await openLedger(url, { dynamodbCredentials: TABLE_KEYS })
  await initLedger(
    { ledger, clock: systemClock, newId: randomUUID },
    { by: "packaging", why: "a training run", nothingInFlight: true },
  )
  await ledger.close()
}

/** Events that make the function do its work once, each with the name of its handler. */
export async function eventsOf(name: FunctionName): Promise<{ handler: string; event: unknown }[]> {
  const events = {
    alarm: [await alarm(), WEBHOOK],
    schedule: [{ kind: "tick", name: "training-run", time: new Date().toISOString() }],
    manual: [await example("manual-request.json")],
  }
  return name === "functiongraph"
    ? Object.entries(events).flatMap(([handler, all]) => all.map((event) => ({ handler, event })))
    : events[name].map((event) => ({ handler: "handler", event }))
}

const TOKEN = "training-run-token"

/** An Alertmanager webhook with an alert that no supernode has. */
const WEBHOOK = {
  version: "2.0",
  rawPath: "/alertmanager",
  headers: { "content-type": "application/json", authorization: `Bearer ${TOKEN}` },
  requestContext: { http: { method: "POST", path: "/alertmanager" } },
  body: JSON.stringify({
    version: "4",
    receiver: "training-run",
    status: "firing",
    groupLabels: {},
    commonLabels: {},
    alerts: [
      {
        status: "firing",
        labels: { alertname: "training-run" },
        annotations: {},
        startsAt: new Date().toISOString(),
        endsAt: "0001-01-01T00:00:00Z",
        fingerprint: "training-run",
      },
    ],
  }),
  isBase64Encoded: false,
}

/** The example of an alarm, dated now. */
async function alarm(): Promise<unknown> {
  const event = (await example("cloud-eye-alarm.json")) as {
    record: [{ smn: { message: string; timestamp: string } }]
  }
  const [{ smn }] = event.record
  smn.timestamp = new Date().toISOString()
  smn.message = JSON.stringify({ ...JSON.parse(smn.message), time: Date.now() })
  return event
}

async function example(file: string): Promise<unknown> {
  return JSON.parse(await readFile(join(EXAMPLES, "events", file), "utf8"))
}
