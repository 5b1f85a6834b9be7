import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { beforeAll, describe, expect, it } from "vitest"
import { billOfMaterials } from "../../deploy/npm/bill-of-materials.mjs"
import { builtFolder, exportsOf, ROOT } from "./built.ts"

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"))
const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"))
let dist: string

/** Functions that the package imports from node:crypto. Node.js 16 has all of them, unlike `hash`. */
const OLD_CRYPTO = ["createHash", "createHmac", "createPublicKey", "randomUUID", "timingSafeEqual", "verify"]

beforeAll(async () => {
  dist = await builtFolder("package")
})

describe("the npm package", () => {
  it("the npm package exports decision, policy loader, policy schema and sandbox, and no code that can buy", async () => {
    expect((await exportsOf(dist, "package/index.mjs")).sort()).toEqual([
      "PolicyError",
      "decide",
      "loadPolicy",
      "policySchema",
      "startSandbox",
    ])
  })

  it("the npm package reports the required version of Node.js if it is loaded by an older one", () => {
    const entry = pathToFileURL(join(dist, "package", "index.mjs")).href
    const older = `import all from "node:crypto?whole"; const { ${OLD_CRYPTO.join(", ")} } = all; export { ${OLD_CRYPTO.join(", ")} }; export default all`
    const hooks = `export const resolve = (name, from, next) => name === "node:crypto?whole" ? next("node:crypto")
      : name === "node:crypto" ? { url: "data:text/javascript,${encodeURIComponent(older)}", shortCircuit: true } : next(name, from)`
    const script = `Object.defineProperty(process.versions, "node", { value: "18.20.8" })
      require("node:module").register("data:text/javascript,${encodeURIComponent(hooks)}")
      import("${entry}").then(() => console.log("loaded"), (error) => console.log(error.message))`
    const { stdout } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8", env: {} })
    expect(stdout).toMatch(/^supernode-autoscaler needs Node.js 20\.15\.1 or newer, but this is 18\.20\.8; /)
  })

  it("the npm package needs no other package, except an optional SQLite for a Node.js without SQLite", () => {
    expect(manifest.dependencies).toBeUndefined()
    expect(Object.keys(manifest.optionalDependencies)).toEqual(["@photostructure/sqlite"])
  })

  it("the npm package names each licence in the bundle, and no package that only the build uses", async () => {
    const notices = await readFile(join(dist, "THIRD-PARTY-NOTICES"), "utf8")
    for (const name of ["zod", "yaml", "croner"])
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, "m"))
    expect(notices).toContain("Permission is hereby granted")
    expect(notices).not.toMatch(/^(esbuild|vitest|typescript) /m)
  })

  it("the npm package ships the files that package.json names, and no example that imports other files", () => {
    const targets = Object.values(manifest.exports as Record<string, string | Record<string, string>>)
    const named = targets.flatMap((target) => (typeof target === "string" ? target : Object.values(target)))
    for (const path of named.filter((one) => !one.startsWith("./dist/")))
      expect(existsSync(join(ROOT, path)), path).toBe(true)
    for (const path of ["dist", "docs", "!examples/*.ts"]) expect(manifest.files).toContain(path)
  })
})

interface Bill {
  components: {
    name: string
    version: string
    scope: string
    purl: string
    hashes: { alg: string; content: string }[]
  }[]
  dependencies: { ref: string; dependsOn: string[] }[]
}

describe("the bill of materials", () => {
  it("the bill of materials lists each bundled and optional package by version, with the registry's digest", async () => {
    const folder = await builtFolder("cli")
    const bill: Bill = JSON.parse(await readFile(join(folder, "sbom.cdx.json"), "utf8"))
    const notices = await readFile(join(folder, "THIRD-PARTY-NOTICES"), "utf8")
    const bundled = [...notices.matchAll(/^(\S+) (\d+\.\d+\.\d+\S*) \(.*\)$/gm)].map(
      ([, name, version]) => `${name}@${version} required`,
    )
    expect(bundled.length).toBeGreaterThan(20)
    const optional = ["@photostructure/sqlite", "node-addon-api", "node-gyp-build"].map(
      (name) => `${name}@${lock.packages[`node_modules/${name}`].version} optional`,
    )
    const listed = bill.components.map(({ name, version, scope }) => `${name}@${version} ${scope}`)
    expect(listed.sort()).toEqual([...bundled, ...optional].sort())
    const pg = bill.components.find(({ name }) => name === "pg")
    const { version, integrity } = lock.packages["node_modules/pg"]
    const digest = Buffer.from(String(pg?.hashes[0]?.content), "hex").toString("base64")
    expect(pg?.purl).toBe(`pkg:npm/pg@${version}`)
    expect(`sha512-${digest}`).toBe(integrity)
    const refs = bill.dependencies.map(({ ref }) => ref)
    expect(
      bill.dependencies.flatMap(({ dependsOn }) => dependsOn).filter((one) => !refs.includes(one)),
    ).toEqual([])
  })

  it("the bill of materials refuses a package that the lockfile does not have", () => {
    const bundled = ["node_modules/left-pad"]
    expect(() => billOfMaterials({ manifest, lock, bundled })).toThrow(
      "package-lock.json has no node_modules/left-pad, which is bundled: run npm ci",
    )
  })
})
