import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { mkdtemp, readFile, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { transform } from "esbuild"
import { unzipSync, zipSync } from "fflate"
import { generate } from "selfsigned"
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest"
import { functionGraphZip } from "../../deploy/functiongraph-zip.ts"
import { supernodeStream } from "../../lib/ledger/next-entry.ts"
import { openLedger } from "../../lib/ledger/open.ts"
import { loadPolicyFile } from "../../lib/policy-file/load.ts"
import { filesAtStart } from "../bench/sizes.ts"
import { POLICY, SANDBOX, SUPERNODE_ID, USERDATA } from "../corridor/corridor.ts"
import { DynamoServer } from "../ledger/dynamodb/server.ts"
import { makeLedger } from "../ledger/initialised.ts"
import { PostgresServer, SERVER_PROGRAMS } from "../ledger/postgres/server.ts"
import { ROOT } from "../packaging/built.ts"
import { policyFolder } from "../policy-file/policy-files.ts"
import { SandboxApart } from "../sandbox/apart.ts"
import { apigWebhook, dryRun, smnAlarm, timerTick } from "./events.ts"
import { Container, makeBundle, nodeOf, removeFolder, unpack } from "./function.ts"

// Runs the zip as FunctionGraph does, in a process of its own, against the sandbox in another.

/**
 * FunctionGraph's newest documented runtime, and the oldest Node.js that we support. If it is not installed,
 * our own Node.js runs the tests too, and the summary reports the skipped ones.
 */
const OLDEST = "20.15.1"
/** `npm run functiongraph` tests every runtime, and places orders. */
const isFull = process.env["FUNCTIONGRAPH_FULL"] !== undefined
const OWN = process.versions.node
const VERSIONS = isFull ? [...new Set([OLDEST, "22.18.0", OWN])] : nodeOf(OLDEST) ? [OLDEST] : [OLDEST, OWN]

const { version: ownVersion } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"))
let bundle: Awaited<ReturnType<typeof makeBundle>>
let zip: Uint8Array
let sandbox: SandboxApart
const folders: string[] = []

beforeAll(async () => {
  ;[bundle, sandbox] = await Promise.all([makeBundle(), SandboxApart.start(SANDBOX)])
  folders.push(bundle.folder)
  zip = await bundle.zip()
})

afterAll(async () => {
  await sandbox?.close()
  await Promise.all(folders.map(removeFolder))
})

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "functiongraph-"))
  folders.push(folder)
  return folder
}

function nodeOrSkip(version: string, { skip }: TestContext): string {
  const node = nodeOf(version)
  return node ?? skip(`Node.js ${version} is not installed: npm ci --prefix test/nodes`)
}

interface Started {
  node: string
  userData?: Record<string, string>
  /** The uploaded code. Defaults to the zip of all tests. */
  code?: Uint8Array
}

/** Runs `use` with a function's container with the unpacked zip, and closes the container afterwards. */
async function withContainer(
  { node, userData, code = zip }: Started,
  use: (container: Container) => Promise<void>,
): Promise<void> {
  const folder = await newFolder()
  await unpack(code, folder)
  const settings = {
    SUPERNODE_LEDGER: "memory:",
    SUPERNODE_MODELARTS_ENDPOINT: sandbox.url,
    SUPERNODE_CES_ENDPOINT: sandbox.url,
    SUPERNODE_WEBHOOK_TOKEN: "THE-WEBHOOK-TOKEN",
  }
  const container = new Container(folder, { node, userData: { ...settings, ...userData } })
  try {
    await use(container)
  } finally {
    await container.close()
  }
}

const WOULD_BUY = [
  { supernode: "train-a", mode: "observe", decision: { kind: "scale-up" }, plan: { from: 2, to: 4 } },
]

describe.each(VERSIONS)("on Node.js %s the zip", (version) => {
  it("the FunctionGraph zip handles an alarm, a tick, a dry run, a webhook and a command by its packaged policy", async (context) => {
    await withContainer({ node: nodeOrSkip(version, context) }, async (container) => {
      expect(await container.invoke({ handler: "alarm", event: smnAlarm() })).toMatchObject({
        results: WOULD_BUY,
      })
      const tick = timerTick('{"shard":"1/1"}')
      expect(await container.invoke({ handler: "schedule", event: tick })).toMatchObject({
        results: WOULD_BUY,
      })
      expect(await container.invoke({ handler: "manual", event: dryRun() })).toMatchObject({
        results: [{ supernode: "train-a", mode: "dry-run", plan: { to: 4 } }],
      })
      const answer = await container.invoke({ handler: "alarm", event: apigWebhook() })
      expect(answer).toMatchObject({ statusCode: 200, isBase64Encoded: false })
      expect(JSON.parse(String(answer["body"]))).toMatchObject({ results: [{ supernode: "train-a" }] })
      const version = { command: ["--version"] }
      expect(await container.invoke({ handler: "manual", event: version })).toEqual({ lines: [ownVersion] })
      const status = { command: ["status"] }
      expect(await container.invoke({ handler: "manual", event: status })).toMatchObject({
        supernodes: [{ name: "train-a" }],
      })
    })
    expect((await sandbox.look()).length).toBe(0)
  })
})

describe("the zip", () => {
  it("the FunctionGraph zip holds the bundle, the policy and its files, and is reproducible", async () => {
    const built = readdirSync(join(bundle.folder, "dist/functiongraph"))
    expect(built).toEqual(expect.arrayContaining(["index.js", "main.js", "package.json"]))
    const ofPolicy = [".policy.yaml.packaged", "boot.sh", "policy.yaml"]
    expect(Object.keys(unzipSync(zip)).sort()).toEqual([...built, ...ofPolicy].sort())
    expect(Buffer.from(await bundle.zip()).equals(zip)).toBe(true)
  })

  it("the FunctionGraph zip holds extra files, and refuses a file that is missing or has the name of another file", async () => {
    const here = (name: string) => join(import.meta.dirname, name)
    expect(Object.keys(unzipSync(await bundle.zip([here("events.ts")])))).toContain("events.ts")
    await expect(bundle.zip([here("ca.pem")])).rejects.toThrow(`${here("ca.pem")}: cannot be read: ENOENT`)
    const taken = join(bundle.folder, "policies/policy.yaml")
    await expect(bundle.zip([taken])).rejects.toThrow(
      `${taken}: the zip has another file policy.yaml: rename it`,
    )
  })

  it("the FunctionGraph zip does not load at cold start any code that only commands, other ledgers or YAML need", () => {
    const folder = join(bundle.folder, "dist/functiongraph")
    const start = [...filesAtStart(join(folder, "index.js"))]
    const holds = (files: string[], words: string) =>
      files.filter((file) => readFileSync(file, "utf8").includes(words)).length
    const all = readdirSync(folder).map((name) => join(folder, name))
    // Texts that only occur in the command line, Amazon's client, PostgreSQL's client, and the parser that a
    // packaged policy replaces.
    for (const words of ["commander.unknownCommand", "DynamoDB_20120810", "SCRAM-SHA-256", "BLOCK_FOLDED"]) {
      expect(holds(all, words), words).toBeGreaterThan(0)
      expect(holds(start, words), words).toBe(0)
    }
  })

  it("the FunctionGraph zip's entry runs on an old Node.js, and names the version that is needed", async () => {
    const entry = join(bundle.folder, "dist/functiongraph/index.js")
    const code = new TextDecoder().decode(unzipSync(zip)["index.js"])
    // The entry has no syntax newer than ES2015: lowering it to that changes nothing.
    const [lowered, same] = await Promise.all(
      ["es2015", "esnext"].map((target) => transform(code, { target })),
    )
    expect(lowered?.code).toBe(same?.code)
    const old = `Object.defineProperty(process.versions, "node", { value: "18.15.0" }); require(${JSON.stringify(entry)})`
    const { status, stderr } = spawnSync(process.execPath, ["-e", old], { encoding: "utf8" })
    expect(stderr).toContain(
      "Error: supernode-autoscaler needs Node.js 20.15.1 or newer, but this is 18.15.0; choose the runtime Node.js 20.15",
    )
    expect(status).toBe(1)
  })

  it("the FunctionGraph zip is not made without a policy", async () => {
    const policy = join(bundle.folder, "nothing.yaml")
    const made = functionGraphZip({ bundle: join(bundle.folder, "dist/functiongraph"), policy })
    await expect(made).rejects.toMatchObject({ name: "DeployError" })
  })

  it.each([
    ["package", "deploy/check-policy.ts"],
    ["package:functiongraph", "deploy/package-functiongraph.ts"],
  ])(
    "npm run %s makes no package without a policy, and names the absolute path where it looked",
    async (script, file) => {
      const { scripts } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"))
      expect(scripts[script]).toContain(`tsx ${file}`)
      if (!isFull) return
      const cwd = await newFolder()
      const argv = ["--import", join(ROOT, "node_modules/tsx/dist/esm/index.mjs"), join(ROOT, file)]
      const { status, stderr } = spawnSync(process.execPath, argv, { cwd, encoding: "utf8" })
      expect(stderr).toBe(
        `policy.yaml:1:1: (file): cannot be read: no such file at ${join(cwd, "policy.yaml")}\nWithout a valid policy a function does nothing\nNothing was packaged\n`,
      )
      expect(status).toBe(1)
    },
  )
})

if (isFull)
  it("the FunctionGraph zip says what to do if no ledger is set and Node.js has no SQLite of its own", async (context) => {
    const userData = { SUPERNODE_LEDGER: "" }
    await withContainer({ node: nodeOrSkip(OLDEST, context), userData }, async (container) => {
      const failed = container.invoke({ handler: "alarm", event: smnAlarm() })
      await expect(failed).rejects.toThrow(
        "In a function, set SUPERNODE_LEDGER to a ledger that all its containers share",
      )
    })
  })

describe("the packaged policy in the zip", () => {
  const NAME = ".policy.yaml.packaged"
  const edited = (files: Record<string, Uint8Array>) => ({
    ...files,
    "policy.yaml": Buffer.from(POLICY.replace("above: 85", "above: 99")),
  })
  const damaged = (files: Record<string, Uint8Array>) => ({
    ...files,
    [NAME]: Buffer.concat([files[NAME] ?? new Uint8Array(), Buffer.from(" ")]),
  })
  const CASES = [
    [
      "is used, and decides and records the same as the YAML",
      (files: Record<string, Uint8Array>) => files,
      null,
    ],
    [
      "is ignored if the policy was edited afterwards, and the log says so",
      edited,
      "has changed since it was packaged",
    ],
    ["is ignored if it is damaged, and the log says so", damaged, "it is damaged"],
  ] as const

  it.each(CASES)("the packaged policy in the zip %s", async (_, change, warning) => {
    const server = new DynamoServer()
    await server.start()
    const credentials = { accessKeyId: "test", secretAccessKey: "test" }
    const url = server.urlOf(await server.newTable())
    try {
      await makeLedger(url, Date.now(), { dynamodbCredentials: credentials })
      const files: Record<string, Uint8Array> = change(unzipSync(zip))
      const policy = await policyFolder({ "policy.yaml": files["policy.yaml"] ?? "", "boot.sh": USERDATA })
      const [loaded] = (await loadPolicyFile(policy)).supernodes
      const userData = {
        SUPERNODE_LEDGER: url,
        SUPERNODE_DYNAMODB_AK: "test",
        SUPERNODE_DYNAMODB_SK: "test",
        SUPERNODE_LOG_LEVEL: "WARN",
      }
      await withContainer(
        { node: nodeOf(OLDEST) ?? process.execPath, userData, code: zipSync(files) },
        async (container) => {
          const { results } = await container.invoke({ handler: "alarm", event: smnAlarm() })
          const bought =
            warning === "has changed since it was packaged" ? { decision: { kind: "hold" } } : WOULD_BUY[0]
          expect(results).toMatchObject([{ supernode: "train-a", ...bought }])
          const said = container.stderr.split("\n").filter((line) => line.includes(NAME))
          expect(said).toEqual(warning === null ? [] : [expect.stringContaining(warning)])
        },
      )
      const ledger = await openLedger(url, { dynamodbCredentials: credentials })
      const head = await ledger.head(supernodeStream(SUPERNODE_ID))
      await ledger.close()
      expect(head).toMatchObject({ policyHash: loaded?.hash })
    } finally {
      await server.stop()
    }
  })
})

describe.each(isFull ? VERSIONS : [])("without its policy on Node.js %s the zip", (version) => {
  it("the FunctionGraph zip without its policy names the absolute path where it looked", async (context) => {
    const started = {
      node: nodeOrSkip(version, context),
      userData: { SUPERNODE_POLICY: "policies/none.yaml" },
    }
    await withContainer(started, async (container) => {
      const failed = container.invoke({ handler: "alarm", event: smnAlarm() })
      await expect(failed).rejects.toThrow(
        /^PolicyError: \/\S+\/code\/policies\/none\.yaml:1:1: \(file\): cannot be read: no such file$/,
      )
    })
  })
})

describe.each(isFull ? VERSIONS : [])("in live mode on Node.js %s the zip", (version) => {
  it("the FunctionGraph zip makes its ledger, buys once for a repeated alarm, and is paused by command", async (context) => {
    const node = nodeOrSkip(version, context)
    const server = new DynamoServer()
    await server.start()
    const cloud = sandbox
    sandbox = await SandboxApart.start(SANDBOX)
    const userData = {
      SUPERNODE_MODE: "live",
      SUPERNODE_LEDGER: server.urlOf("supernode-ledger"),
      SUPERNODE_DYNAMODB_AK: "test",
      SUPERNODE_DYNAMODB_SK: "test",
    }
    try {
      await withContainer({ node, userData }, async (container) => {
        const command = (...words: string[]) =>
          container.invoke({ handler: "manual", event: { command: words } })
        const event = smnAlarm()
        expect(await container.invoke({ handler: "alarm", event })).toMatchObject({
          results: [{ decision: { heldBy: "ledger-new" } }],
        })
        await command("ledger", "init", "--by", "ann", "--why", "first", "--nothing-in-flight")
        expect(await container.invoke({ handler: "alarm", event })).toMatchObject({
          results: [{ outcome: { kind: "accepted" } }],
        })
        expect(await container.invoke({ handler: "alarm", event })).toMatchObject({
          results: [{ decision: { heldBy: "duplicate" } }],
        })
        expect(await command("pause", "--by", "ann", "--why", "enough")).toMatchObject({
          said: { verb: "pause" },
        })
        expect(await container.invoke({ handler: "schedule", event: timerTick("") })).toMatchObject({
          results: [{ decision: { kind: "hold" } }],
        })
        expect(await command("status")).toMatchObject({ supernodes: [{ attempt: { state: "accepted" } }] })
      })
      await sandbox.look()
      expect(sandbox.orders).toHaveLength(1)
    } finally {
      await sandbox.close()
      sandbox = cloud
      await server.stop()
    }
  })
})

describe.runIf(isFull && SERVER_PROGRAMS !== null)("with a ledger in PostgreSQL behind TLS", () => {
  it.for(VERSIONS)(
    "on Node.js %s the FunctionGraph zip verifies PostgreSQL by the certificates in the zip",
    async (version, context) => {
      const node = nodeOrSkip(version, context)
      const server = new PostgresServer()
      const own = await generate([{ name: "commonName", value: "ledger" }], {
        extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
      })
      const ca = join(await newFolder(), "rds-ca.pem")
      await writeFile(ca, own.cert)
      server.init()
      server.keep("server.pem", own.cert)
      server.keep("server.key", own.private)
      const [cert, key] = ["server.pem", "server.key"].map((name) => join(server.folder, name))
      await server.start({ ssl: "on", ssl_cert_file: String(cert), ssl_key_file: String(key) })
      const init = { command: ["ledger", "init", "--by", "ann", "--why", "first", "--nothing-in-flight"] }
      const url = `postgres://ledger@127.0.0.1:${server.port}/postgres`
      const userData = { SUPERNODE_LEDGER: `${url}?sslrootcert=rds-ca.pem`, PGPASSWORD: "hunter2" }
      try {
        await withContainer({ node, userData, code: await bundle.zip([ca]) }, async (container) => {
          expect(await container.invoke({ handler: "manual", event: init })).toMatchObject({
            ledger: { place: expect.stringMatching(/\?sslrootcert=\/\S+\/code\/rds-ca\.pem$/) },
          })
          expect(await container.invoke({ handler: "alarm", event: smnAlarm() })).toMatchObject({
            results: WOULD_BUY,
          })
          expect(
            await container.invoke({ handler: "manual", event: { command: ["audit", "verify"] } }),
          ).toMatchObject({ ok: true })
        })
        await withContainer({ node, userData }, async (container) => {
          const answer = await container.invoke({ handler: "manual", event: init })
          expect(JSON.stringify(answer)).toMatch(/sslrootcert cannot be read: ENOENT.*\/code\/rds-ca\.pem/)
        })
      } finally {
        await server.stop()
      }
    },
  )
})
