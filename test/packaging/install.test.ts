import { type SpawnSyncReturns, spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { cp, lstat, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ROOT } from "./built.ts"

// The tarball in an empty folder, as a user installs it. It builds everything, so only `test:full` runs it.

const MB = 1_000_000
const NODES = ["20.15.1", "22.18.0", "24.21.0"]
let folder: string

function run(program: string, args: string[], cwd: string): SpawnSyncReturns<string> {
  return spawnSync(program, args, { cwd, encoding: "utf8" })
}

async function bytesIn(path: string): Promise<number> {
  const stat = await lstat(path)
  if (!stat.isDirectory()) return stat.size
  const sizes = await Promise.all((await readdir(path)).map((name) => bytesIn(join(path, name))))
  return sizes.reduce((sum, size) => sum + size, 0)
}

const USE = `
import { decide, loadPolicy, policySchema, startSandbox, type Decision, type Policy, type Situation } from "supernode-autoscaler"
export const decision: (situation: Situation) => Decision = decide
// @ts-expect-error a number is not a situation
export const refused = () => decide(1)
export const policy = async (): Promise<Policy | undefined> => (await loadPolicy("policy.yaml")).supernodes[0]?.policy
// @ts-expect-error a name is not a number, so the policy's type is not any
export const wrong = async (): Promise<number | undefined> => (await policy())?.name
export const sandbox = async (): Promise<string> => (await startSandbox({ port: 0 })).url
export const title: unknown = policySchema["title"]
`

describe.runIf(process.env["INSTALLS_FULL"])("the package in an empty folder", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "install-"))
    const pack = run("npm", ["pack", "--json", "--pack-destination", folder], ROOT)
    expect(pack.status, pack.stderr).toBe(0)
    const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz"))
    const flags = ["--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"]
    const install = run("npm", ["install", ...flags, join(folder, String(tarball))], folder)
    expect(install.status, install.stderr).toBe(0)
    await rm(join(folder, String(tarball)))
    await cp(join(ROOT, "examples/first-run.yaml"), join(folder, "policy.yaml"))
  })

  afterAll(() => rm(folder, { recursive: true }))

  it("the installed package takes less than 45 MB", async () => {
    expect(await bytesIn(folder)).toBeLessThan(45 * MB)
  })

  it("the installed package holds every file that package.json names, and no source outside dist", async () => {
    const installed = join(folder, "node_modules/supernode-autoscaler")
    const manifest = JSON.parse(await readFile(join(installed, "package.json"), "utf8"))
    const { types, default: module } = manifest.exports["."]
    const named = [types, module, manifest.types, manifest.exports["./policy.schema.json"]]
    for (const path of [...named, manifest.bin["supernode-autoscaler"], "dist/THIRD-PARTY-NOTICES"])
      expect(existsSync(join(installed, path)), path).toBe(true)
    const files = await readdir(installed, { recursive: true })
    expect(files.filter((path) => /\.[cm]?[jt]s$/.test(path) && !path.startsWith("dist/"))).toEqual([])
  })

  it.each([
    ["the types of Node.js", ["--lib", "es2023", "--types", "node"]],
    ["TypeScript's default library alone", ["--types", ""]],
  ])(
    "the installed package's types check a caller without zod or any other package of types, with %s",
    async (_, more) => {
      await writeFile(join(folder, "use.mts"), USE)
      const options = "--strict --noEmit --module nodenext --target es2022 --typeRoots".split(" ")
      const tsc = join(ROOT, "node_modules/typescript/bin/tsc")
      const argv = [tsc, ...options, join(ROOT, "node_modules/@types"), ...more, "use.mts"]
      const check = run(process.execPath, argv, folder)
      expect(check.stdout).toBe("")
      expect(check.status).toBe(0)
    },
  )

  it.for(NODES)(
    "the installed package imports, makes a SQLite ledger and reads it on Node.js %s",
    (version, { skip }) => {
      const node = join(ROOT, `test/nodes/node_modules/node-${version}/bin/node`)
      if (!existsSync(node)) skip(`Node.js ${version} is not installed: npm ci --prefix test/nodes`)
      const script = `import("supernode-autoscaler").then(async (m) => {
      const box = await m.startSandbox()
      await box.close()
      console.log((await m.loadPolicy("policy.yaml")).supernodes[0].policy.name)
    })`
      const imported = run(node, ["-e", script], folder)
      expect(imported.stdout.trim(), imported.stderr).toBe("train-a")
      const cli = join(folder, "node_modules/supernode-autoscaler/dist/cli/index.js")
      const ledger = ["--ledger", `sqlite:${join(folder, `${version}.db`)}`]
      const init = run(
        node,
        [cli, ...ledger, "ledger", "init", "--by", "ann", "--why", "first ledger"],
        folder,
      )
      expect(init.status, init.stderr).toBe(0)
      const show = run(node, [cli, ...ledger, "ledger", "show", "--json"], folder)
      expect(show.status, show.stderr).toBe(0)
    },
  )
})
