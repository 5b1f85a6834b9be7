import { execFile } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { policyFiles } from "../bench/fleet/policy.ts"
import { filesAtStart } from "../bench/sizes.ts"
import { IS_FULL } from "../full.ts"
import { builtFolder } from "./built.ts"

const run = promisify(execFile)

// Modules of Node.js that only a request, a response or a child process needs. Each adds 1 to 20 ms.
const ON_DEMAND = ["assert", "child_process", "http", "https", "tls", "zlib", "perf_hooks", "worker_threads"]
const NOT_AT_START = [...ON_DEMAND, "internal/crypto/webcrypto"].map((name) => `NativeModule ${name}`)

const ALARM = "npu-busy"
const TOKEN = "0123456789abcdef"

let folder: string
let env: Record<string, string>

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "start-"))
  for (const [name, text] of policyFiles({ supernodes: 1, fleetActions: null, alertname: ALARM }))
    writeFileSync(join(folder, name), text)
  env = {
    SUPERNODE_POLICY: join(folder, "policy.yaml"),
    SUPERNODE_LEDGER: "memory:",
    SUPERNODE_MODE: "live",
    SUPERNODE_WEBHOOK_TOKEN: TOKEN,
    HUAWEICLOUD_SDK_AK: "ak",
    HUAWEICLOUD_SDK_SK: "sk",
  }
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe("a start", () => {
  const loaded = `const text = JSON.stringify(process.moduleLoadList); process.stdout.write("\\n" + text)`
  const alarm = (file: string) => `await import(${JSON.stringify(file)}); ${loaded}`
  const functionGraph = (file: string) =>
    `const { createRequire } = await import("node:module"); createRequire(${JSON.stringify(file)})(${JSON.stringify(file)}); ${loaded}`
  it.each([
    { name: "alarm", entry: "alarm/index.mjs", script: alarm },
    { name: "functiongraph", entry: "functiongraph/index.js", script: functionGraph },
  ] as const)(
    "the start of the built function $name loads no module of Node.js that only later steps need",
    async ({ name, entry, script }) => {
      const file = join(await builtFolder(name), entry)
      const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script(file)], { env: {} })
      expect(modulesIn(stdout)).toContain("NativeModule crypto")
      expect(modulesIn(stdout).filter((module) => NOT_AT_START.includes(module))).toEqual([])
    },
  )

  it("the start of `status --no-cloud` loads nothing that only a request to the cloud needs", async () => {
    const file = join(await builtFolder("cli"), "cli/index.js")
    const atEnd = `data:text/javascript,process.once("exit",()=>{${encodeURIComponent(loaded)}})`
    const { stdout } = await run(
      process.execPath,
      ["--no-warnings", "--import", atEnd, file, "status", "--no-cloud"],
      { env },
    )
    expect(stdout).toContain("--no-cloud was given")
    expect(modulesIn(stdout).filter((module) => NOT_AT_START.includes(module))).toEqual([])
  })

  it("the built command line keeps the names of functions and classes for stack traces", async () => {
    const folder = join(await builtFolder("cli"), "cli")
    const scripts = readdirSync(folder).filter((name) => name.endsWith(".js"))
    const texts = scripts.map((name) => readFileSync(join(folder, name), "utf8")).join("\n")
    for (const name of ["runEach", "tryInTime", "KeyedLimiter"])
      expect(texts, name).toMatch(new RegExp(`\\b(function ${name}[(]|${name}=class\\b|class ${name}\\b)`))
  })

  it("the command line's start checks the version of Node.js before it reads any other file", async () => {
    const entry = join(await builtFolder("cli"), "cli/index.js")
    expect([...filesAtStart(entry)]).toEqual([entry])
  })

  it("the start of `status` reads few files, because finding and linking each file takes time", async () => {
    const folder = join(await builtFolder("cli"), "cli")
    const file = readdirSync(folder).find((name) => /^status-\w+[.]js$/.test(name)) ?? ""
    expect([...filesAtStart(join(folder, file))].map((path) => basename(path))).toEqual([
      file,
      expect.stringMatching(/^(main|core)[.]js$/),
      expect.stringMatching(/^(main|core)[.]js$/),
    ])
  })

  const modulesIn = (stdout: string): string[] => JSON.parse(stdout.slice(stdout.lastIndexOf("\n") + 1))
})

describe("the built alarm function", () => {
  // On x64, V8 uses SIMD only with SSE 4.1. On arm64 each processor has SIMD.
  it.runIf(process.arch === "x64" && IS_FULL).each([
    {
      machine: "with SIMD",
      options: [],
      heldBy: "credentials",
      requests: expect.toSatisfy((count: number) => count > 0),
    },
    { machine: "without SIMD", options: ["--no-enable-sse4-1"], heldBy: "supernode-unreadable", requests: 0 },
  ])(
    "the built alarm function holds on a machine $machine, and sends no request if it has no SIMD",
    async ({ options, heldBy, requests }) => {
      let received = 0
      const cloud = createServer((_request, response) => {
        received += 1
        response.writeHead(403).end()
      })
      await new Promise<void>((resolve) => cloud.listen(0, "127.0.0.1", resolve))
      const url = `http://127.0.0.1:${(cloud.address() as AddressInfo).port}`
      const file = join(await builtFolder("alarm"), "alarm/index.mjs")
      const script = `const { handler } = await import(${JSON.stringify(file)})
      const context = { awsRequestId: "test", functionName: "alarm", getRemainingTimeInMillis: () => 180000 }
      const { body } = await handler(${JSON.stringify(alarmEvent())}, context)
      process.stdout.write("\\n" + body, () => process.exit())`
      const endpoints = { SUPERNODE_MODELARTS_ENDPOINT: url, SUPERNODE_CES_ENDPOINT: url }
      const { stdout } = await run(process.execPath, [...options, "--input-type=module", "-e", script], {
        env: { ...env, ...endpoints },
      })
      cloud.close()
      const [result] = JSON.parse(stdout.slice(stdout.lastIndexOf("\n") + 1)).results
      expect(result).toMatchObject({ decision: { kind: "hold", heldBy } })
      expect(result.outcome).toBeUndefined()
      expect(received).toEqual(requests)
    },
  )
})

function alarmEvent(): object {
  const alert = {
    status: "firing",
    labels: { alertname: `${ALARM}-0` },
    annotations: {},
    fingerprint: "test",
  }
  const times = { startsAt: new Date().toISOString(), endsAt: "0001-01-01T00:00:00Z" }
  const body = { version: "4", receiver: "test", status: "firing", groupLabels: {}, commonLabels: {} }
  return {
    version: "2.0",
    rawPath: "/alertmanager",
    headers: { "content-type": "application/json", authorization: `Bearer ${TOKEN}` },
    requestContext: { http: { method: "POST", path: "/alertmanager" } },
    body: JSON.stringify({ ...body, alerts: [{ ...alert, ...times }] }),
    isBase64Encoded: false,
  }
}
