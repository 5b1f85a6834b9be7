import { execFile } from "node:child_process"
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { eventsOf } from "../../deploy/code-cache/events.ts"
import { makeCodeCache, nodeOptionsIn } from "../../deploy/code-cache/make.ts"
import { startWorld } from "../../deploy/code-cache/world.ts"
import { IS_FULL } from "../full.ts"
import { nodeOf } from "../functiongraph/function.ts"
import { builtFolder } from "./built.ts"

// The built alarm function in a process of its own, against a sandbox, with a code cache of V8 beside its bundle.

const run = promisify(execFile)

let folder: string
/** A built folder with a code cache that fits. */
let cached: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "code-cache-"))
  cached = join(folder, "cached")
  await cp(join(await builtFolder("alarm"), "alarm"), join(cached, "alarm"), { recursive: true })
  await makeCodeCache({ dist: cached, name: "alarm", node: process.execPath, nodeOptions: [] })
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe("a function with a code cache", () => {
  it("a function whose code cache fits buys once, and logs nothing about its start", async () => {
    const { orders, log } = await alarmIn(cached)
    expect(orders).toBe(1)
    expect(log).toContain("train-a: scale-up, accepted")
    expect(log).not.toContain("code cache")
  })

  it("a function without a code cache buys once, and logs nothing about its start", async () => {
    const { orders, log } = await alarmIn(await builtFolder("alarm"))
    expect(orders).toBe(1)
    expect(log).not.toContain("code cache")
  })

  it.each([
    {
      what: "is for another V8",
      change: (text: string) => text.replace(/"v8": ".*"/, '"v8": "1.2.3"'),
      file: "code-cache.json",
      says: `the code cache was made for V8 1.2.3 on ${process.arch}, and this is V8 ${process.versions.v8} on`,
    },
    {
      what: "is for another processor",
      change: (text: string) => text.replace(/"arch": ".*"/, '"arch": "sparc"'),
      file: "code-cache.json",
      says: `the code cache was made for V8 ${process.versions.v8} on sparc, and this is`,
    },
    {
      what: "has a torn manifest",
      change: (text: string) => text.slice(0, 100),
      file: "code-cache.json",
      says: "code-cache.json is damaged",
    },
    {
      what: "has a manifest with an entry that is no object",
      change: (text: string) => text.replace(/("main.js": )[{][^}]*[}]/, "$1null"),
      file: "code-cache.json",
      says: "code-cache.json is damaged",
    },
    // V8 itself would take this code, and the process would crash.
    {
      what: "has one wrong byte",
      change: (text: string) => text.replace("SUPERNODE_POLICY", "SUPERNODE_pOLICY"),
      file: "main.js.cache",
      says: "the code cache of main.js was made for another main.js, or one of them was changed",
    },
    // V8 itself compares only the length of the source.
    {
      what: "is of another source of the same length",
      change: (text: string) => text.replaceAll('"supernode-autoscaler"', '"supernode-new-source"'),
      file: "main.js",
      says: "the code cache of main.js was made for another main.js, or one of them was changed",
    },
  ])(
    "a function whose code cache $what runs its bundle without it, buys once, and logs why",
    async ({ change, file, says }) => {
      const dist = await mkdtemp(join(folder, "changed-"))
      await cp(cached, dist, { recursive: true })
      const path = join(dist, "alarm", file)
      const text = await readFile(path, "latin1")
      expect(change(text)).not.toBe(text)
      await writeFile(path, change(text), "latin1")
      const { orders, log } = await alarmIn(dist)
      expect(orders).toBe(1)
      expect(log).toContain(says)
      expect(log).toContain("package the function again")
      expect(log.includes("supernode-new-source")).toBe(file === "main.js")
    },
  )

  it("a function whose Node.js has options that its code cache was not made with buys once, and logs these options", async () => {
    const { orders, log } = await alarmIn(cached, ["--expose-gc"])
    expect(orders).toBe(1)
    expect(log).toMatch(
      /V8 refused the code cache of main[.]js[.] It was made with no options; this Node[.]js has the options --expose-gc[.]/,
    )
  })

  it.runIf(IS_FULL).each(["alarm", "schedule", "manual", "functiongraph"] as const)(
    "the code cache of function %s is made by each supported Node.js that is installed",
    async (name) => {
      for (const node of ["20.15.1", "22.18.0", "24.21.0"].map(nodeOf)) {
        if (node === null) continue
        const dist = await mkdtemp(join(folder, "each-"))
        await cp(await builtFolder(name), dist, { recursive: true })
        await makeCodeCache({ dist, name, node, nodeOptions: [] })
        const { files } = JSON.parse(await readFile(join(dist, name, "code-cache.json"), "utf8"))
        const stores = Object.keys(files).filter((file) => file.startsWith("store-"))
        // DynamoDB's, and from Node.js 22 on SQLite's.
        expect(stores).toHaveLength(node.includes("node-20") ? 1 : 2)
      }
    },
  )

  it("no code cache is made with a word that is no option, and the problem names the variable", () => {
    expect(() => nodeOptionsIn({ CODE_CACHE_NODE_OPTIONS: "expose-gc" })).toThrow(
      "CODE_CACHE_NODE_OPTIONS: expose-gc is no option of Node.js",
    )
  })

  it("no code cache is made with a program that is no Node.js, and the problem names its path", async () => {
    const options = { dist: cached, name: "alarm", nodeOptions: [] } as const
    for (const node of ["/bin/false", "/nowhere/node"])
      await expect(makeCodeCache({ ...options, node })).rejects.toThrow(
        `${node}: is no Node.js that runs on this machine (CODE_CACHE_NODE)`,
      )
  })

  it("no code cache is made of a function that does not buy in the sandbox", async () => {
    const dist = await mkdtemp(join(folder, "broken-"))
    await cp(await builtFolder("alarm"), dist, { recursive: true })
    const main = join(dist, "alarm/main.js")
    await writeFile(main, (await readFile(main, "utf8")).replaceAll("live-scale-up", "dead-scale-up"))
    await expect(
      makeCodeCache({ dist, name: "alarm", node: process.execPath, nodeOptions: [] }),
    ).rejects.toThrow(
      "alarm: no code cache, because its training run in the sandbox failed: it placed 0 orders instead of 1",
    )
  })
})

/** Passes an alarm to the function in that built folder, in a new process and a new sandbox. */
async function alarmIn(dist: string, nodeOptions: readonly string[] = []) {
  const place = await mkdtemp(join(folder, "place-"))
  const { sandbox, settings, close } = await startWorld(place, "dynamodb")
  const [alarm] = await eventsOf("alarm")
  const file = join(place, "invoke.mjs")
  await writeFile(
    file,
    `import { createRequire } from "node:module"
    import { handler } from ${JSON.stringify(join(dist, "alarm/index.mjs"))}
    const context = { awsRequestId: "test", functionName: "alarm", getRemainingTimeInMillis: () => 180_000 }
    await handler(${JSON.stringify(alarm?.event)}, context)
    const main = createRequire(import.meta.url)(${JSON.stringify(join(dist, "alarm/main.js"))})
    console.log(main.handler === handler ? "one module" : "two modules")
    process.stderr.write("", () => process.exit())`,
  )
  const { stdout, stderr } = await run(process.execPath, [...nodeOptions, file], { env: settings })
  await close()
  // A file that is loaded twice would have its limits and its state twice.
  expect(stdout).toContain("one module")
  return { orders: sandbox.orders.length, log: stdout + stderr }
}
