import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { beforeAll, describe, expect, it } from "vitest"
import { builtFolder, exportsOf, ROOT } from "./built.ts"

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"))
let dist: string

/** What the package takes from node:crypto; all of it is in Node.js 16, unlike `hash`. */
const OLD_CRYPTO = ["createHash", "createHmac", "createPublicKey", "randomUUID", "timingSafeEqual", "verify"]

beforeAll(async () => {
  dist = await builtFolder("package")
})

describe("the npm package", () => {
  it("exports the decision, the policy loader, the policy's schema and the sandbox, and nothing that spends", async () => {
    expect((await exportsOf(dist, "package/index.mjs")).sort()).toEqual([
      "PolicyError",
      "decide",
      "loadPolicy",
      "policySchema",
      "startSandbox",
    ])
  })

  it("says which Node.js it needs where an older one lacks what it uses", () => {
    const entry = pathToFileURL(join(dist, "package", "index.mjs")).href
    const older = `import all from "node:crypto?whole"; const { ${OLD_CRYPTO.join(", ")} } = all; export { ${OLD_CRYPTO.join(", ")} }; export default all`
    const hooks = `export const resolve = (name, from, next) => name === "node:crypto?whole" ? next("node:crypto")
      : name === "node:crypto" ? { url: "data:text/javascript,${encodeURIComponent(older)}", shortCircuit: true } : next(name, from)`
    const script = `Object.defineProperty(process.versions, "node", { value: "18.20.8" })
      require("node:module").register("data:text/javascript,${encodeURIComponent(hooks)}")
      import("${entry}").then(() => console.log("loaded"), (error) => console.log(error.message))`
    const { stdout } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8", env: {} })
    expect(stdout).toMatch(/^supernode-autoscaler needs Node.js 20\.15\.1 or newer, and this is 18\.20\.8; /)
  })

  it("needs no other package, except an optional SQLite for a Node.js without its own", () => {
    expect(manifest.dependencies).toBeUndefined()
    expect(Object.keys(manifest.optionalDependencies)).toEqual(["@photostructure/sqlite"])
  })

  it("names each licence in the bundle, and no package that only the build uses", async () => {
    const notices = await readFile(join(dist, "THIRD-PARTY-NOTICES"), "utf8")
    for (const name of ["zod", "yaml", "croner"])
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, "m"))
    expect(notices).toContain("Permission is hereby granted")
    expect(notices).not.toMatch(/^(esbuild|vitest|typescript) /m)
  })

  it("ships the files that package.json names, and no example that imports what it does not ship", () => {
    const targets = Object.values(manifest.exports as Record<string, string | Record<string, string>>)
    const named = targets.flatMap((target) => (typeof target === "string" ? target : Object.values(target)))
    for (const path of named.filter((one) => !one.startsWith("./dist/")))
      expect(existsSync(join(ROOT, path)), path).toBe(true)
    for (const path of ["dist", "docs", "!examples/*.ts"]) expect(manifest.files).toContain(path)
  })
})
