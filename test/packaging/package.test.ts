import { existsSync, readFileSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { builtFolder, exportsOf, ROOT } from "./built.ts"

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"))
let dist: string

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
