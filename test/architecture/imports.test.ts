import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, describe, expect, it } from "vitest"
import { checkTree } from "./imports.ts"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))
const trees: string[] = []

afterEach(() => {
  for (const tree of trees.splice(0)) rmSync(tree, { recursive: true })
})

/** A folder that holds these files and the two that every tree needs. */
function treeOf(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "imports-"))
  trees.push(root)
  for (const [file, source] of Object.entries({
    "lib/app/start.ts": "",
    "functions/alarm.ts": "",
    ...files,
  })) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), source)
  }
  return root
}

function complaintsAbout(file: string, source: string): string[] {
  return checkTree(treeOf({ [file]: source })).map(({ file, line, says }) => `${file}:${line}: ${says}`)
}

describe("who may import whom", () => {
  it("this project keeps the import rules", () => {
    expect(checkTree(ROOT)).toEqual([])
  })

  it.each([
    ["lib/decision imports the ledger", "lib/decision/x.ts", `import { a } from "../ledger/a.ts"`],
    ["lib/decision imports lib/ports.ts", "lib/decision/x.ts", `import type { Ledger } from "../ports.ts"`],
    [
      "lib/decision imports a package other than zod and date-fns",
      "lib/decision/x.ts",
      `import yaml from "yaml"`,
    ],
    [
      "lib/decision imports a module of Node.js",
      "lib/decision/x.ts",
      `import { readFileSync } from "node:fs"`,
    ],
    [
      "lib/decision imports a module of Node.js by its old name",
      "lib/decision/x.ts",
      `import { randomUUID } from "crypto"`,
    ],
    ["lib/signals imports the cloud's client", "lib/signals/x.ts", `import { a } from "../huawei/a.ts"`],
    ["lib/metrics imports the cloud's client", "lib/metrics/x.ts", `import { a } from "../huawei/a.ts"`],
    ["lib/huawei imports the ledger", "lib/huawei/x.ts", `import { a } from "../ledger/entry.ts"`],
    ["lib/ledger imports the sandbox", "lib/ledger/x.ts", `import { a } from "../sandbox/a.ts"`],
    [
      "lib/sandbox imports the client that it tests",
      "lib/sandbox/x.ts",
      `import { a } from "../huawei/sign.ts"`,
    ],
    ["lib/policy-file imports signals", "lib/policy-file/x.ts", `import { a } from "../signals/a.ts"`],
    ["lib/notify imports the ledger", "lib/notify/x.ts", `import { a } from "../ledger/a.ts"`],
    ["lib/run/notify.ts imports a webhook", "lib/run/notify.ts", `import { a } from "../notify/webhook.ts"`],
    ["lib/huawei imports the start of the app", "lib/huawei/x.ts", `import { a } from "../app/start.ts"`],
    ["lib/ledger imports the settings", "lib/ledger/x.ts", `import { a } from "../app/settings.ts"`],
    ["lib/ports.ts imports signals", "lib/ports.ts", `import type { A } from "./signals/a.ts"`],
    ["lib/run/run.ts imports the cloud's client", "lib/run/run.ts", `import { a } from "../huawei/a.ts"`],
    [
      "lib/run/run.ts imports a ledger's store",
      "lib/run/run.ts",
      `import { a } from "../ledger/sqlite/store.ts"`,
    ],
    ["a step of a run imports metrics", "lib/run/gather.ts", `import { a } from "../metrics/read.ts"`],
    ["lib/app/settings.ts imports lib/ports.ts", "lib/app/settings.ts", `import { a } from "../ports.ts"`],
    [
      "lib/app/credentials.ts imports the cloud's client",
      "lib/app/credentials.ts",
      `import { a } from "../huawei/a.ts"`,
    ],
    [
      "lib/policy-file/load.ts imports the ledger",
      "lib/policy-file/load.ts",
      `import { a } from "../ledger/entry.ts"`,
    ],
    [
      "a webhook's reader imports the cloud's client",
      "lib/signals/webhooks/webhooks.ts",
      `import { a } from "../../huawei/a.ts"`,
    ],
    ["the alarm function imports signals", "functions/alarm.ts", `import { a } from "../lib/signals/a.ts"`],
    [
      "functions/door.ts imports lib/decision",
      "functions/door.ts",
      `import { a } from "../lib/decision/a.ts"`,
    ],
    ["lib/serve imports signals", "lib/serve/x.ts", `import { a } from "../signals/a.ts"`],
    ["lib/app imports a function", "lib/app/start.ts", `import { a } from "../../functions/door.ts"`],
    ["lib/app imports a test", "lib/app/start.ts", `import { a } from "../../test/fakes.ts"`],
    ["lib/app imports middy", "lib/app/start.ts", `import middy from "@middy/core"`],
    [
      "lib/ledger imports Powertools",
      "lib/ledger/x.ts",
      `import { Logger } from "@aws-lambda-powertools/logger"`,
    ],
    [
      "lib/huawei imports the vendor's SDK, which only tests may use",
      "lib/huawei/x.ts",
      `import a from "@huaweicloud/huaweicloud-sdk-core"`,
    ],
    [
      "a run imports the reader of policy files",
      "lib/run/task.ts",
      `import type { A } from "../policy-file/load.ts"`,
    ],
    [
      "a file other than the purchase imports the sender of orders",
      "lib/run/run.ts",
      `import { sendOnce } from "./send.ts"`,
    ],
    [
      "a step other than the purchase imports the settling of attempts",
      "lib/run/send.ts",
      `import { settle } from "./settle.ts"`,
    ],
    [
      "an entry point imports the sender of orders",
      "functions/cli/x.ts",
      `import { sendOnce } from "../../lib/run/send.ts"`,
    ],
    [
      "a file other than send.ts names cloud.buy",
      "lib/app/x.ts",
      "export const f = (ports) => ports.cloud.buy(1)",
    ],
    [
      "a file other than send.ts names cloud.buy by a quoted name",
      "lib/app/x.ts",
      `export const f = (ports) => ports.cloud["buy"](1)`,
    ],
    ["a file other than send.ts destructures buy", "lib/run/x.ts", "export const f = ({ buy }) => 1"],
    ["lib/app/dispatch.ts imports the sandbox", "lib/app/dispatch.ts", `import { a } from "../sandbox/a.ts"`],
    [
      "the state's layer of lib/decision imports gates",
      "lib/decision/state/x.ts",
      `import { a } from "../gates/a.ts"`,
    ],
    [
      "the money layer of lib/decision imports pacing, a higher layer",
      "lib/decision/money/x.ts",
      `import type { A } from "../pacing/a.ts"`,
    ],
    [
      "the state's layer of lib/decision imports the type of a decision",
      "lib/decision/state/x.ts",
      `import type { A } from "../decision.ts"`,
    ],
    [
      "a layer of lib/decision imports the function decide",
      "lib/decision/explain/x.ts",
      `import { decide } from "../decide.ts"`,
    ],
    ["an import by an alias", "lib/app/start.ts", `import a from "#room"`],
    ["an import by a URL", "lib/app/start.ts", `import a from "file:///x.ts"`],
  ])("the import rules catch a planted violation: %s", (_rule, file, source) => {
    expect(complaintsAbout(file, source)).toHaveLength(1)
  })

  it.each([
    ["a bare import", `import "../huawei/a.ts"`],
    ["an import without spaces", `import{a}from"../huawei/a.ts"`],
    ["an import over many lines", `import {\n  a,\n} from\n  "../huawei/a.ts"`],
    ["an import of types", `import type { A } from "../huawei/a.ts"`],
    ["a type written as an import", `export type A = import("../huawei/a.ts").A`],
    ["an export of everything", `export * from "../huawei/a.ts"`],
    ["an export of names", `export { a } from "../huawei/a.ts"`],
    ["an import at run time", `const a = await import("../huawei/a.ts")`],
    ["an import at run time in a template's hole", `const a = \`x \${await import("../huawei/a.ts")} y\``],
    ["an import at run time by a template", "const a = await import(`../huawei/a.ts`)"],
    ["an import at run time by a computed name", `const a = await import("../hua" + "wei/a.ts")`],
    ["a require", `const a = require("../huawei/a.ts")`],
    ["a require that uses an import", `import a = require("../huawei/a.ts")`],
    ["an escaped name", `import a from "\\x2e./huawei/a.ts"`],
    ["a path with a detour", `import a from "./../signals/../huawei/a.ts"`],
    ["the compiled file's name", `import a from "../huawei/a.js"`],
    [
      "an import behind a quote in a regular expression",
      `const q = /["'\`]/\nimport a from "../huawei/a.ts"`,
    ],
    ["an import behind a comment in a string", `const q = "/*"\nimport a from "../huawei/a.ts"`],
  ])("the import rules see %s", (_form, source) => {
    expect(complaintsAbout("lib/signals/x.ts", source)).toHaveLength(1)
  })

  it.each([
    ["a comment", `// import a from "../huawei/a.ts"\n/* require("../huawei/a.ts") */`],
    ["a string", `const s = 'import a from "../huawei/a.ts"'`],
    ["a template", 'const s = `import a from "../huawei/a.ts"`'],
    ["a regular expression", `const s = /import a from "..\\/huawei\\/a.ts"/`],
    ["a method named from", `const s = Buffer.from("../huawei/a.ts")`],
    [
      "an allowed import",
      `import { a } from "../decision/a.ts"\nimport { b } from "./b.ts"\nimport fs from "node:fs"`,
    ],
  ])("the import rules do not mistake %s for a violation", (_form, source) => {
    expect(complaintsAbout("lib/signals/x.ts", source)).toEqual([])
  })

  it("a violation names its file and the module that may not be imported", () => {
    expect(complaintsAbout("lib/signals/x.ts", `\n\nimport { a } from "../huawei/a.ts"`)).toEqual([
      "lib/signals/x.ts:3: may not import lib/huawei/a.ts",
    ])
  })

  it("a file that no import rule names is a violation", () => {
    expect(complaintsAbout("lib/drawer/x.ts", "")).toEqual([
      "lib/drawer/x.ts:1: no rule names this file: give it a row in test/architecture/rules.ts",
    ])
  })
})

describe("purity of lib/decision", () => {
  it.each([
    "Date.now()",
    "Date?.now()",
    `Date["now"]()`,
    "new Date()",
    "new Date ( )",
    "new Date",
    "Date()",
    "performance.now()",
    "process.env",
    "process?.env",
    "process.hrtime()",
    "Math.random()",
    `Math["random"]()`,
    "Object.keys(Math)",
    "fetch(url)",
    "crypto.randomUUID()",
    "console.log(x)",
    "globalThis.process",
    "flag ? process : null",
    `require("os")`,
    `eval("1")`,
    "setTimeout(f, 1)",
  ])("lib/decision may not contain %s", (code) => {
    expect(complaintsAbout("lib/decision/x.ts", `export const f = (x) => ${code}\n`)).not.toEqual([])
  })

  it.each([
    "new Date(x)",
    "new Date(x).getTime()",
    "Date.UTC(2024, 0)",
    "Math.floor(x)",
    "x.process",
    "{ process: 1 }",
    "x.fetch(1)",
    `"Date.now()"`,
    "1 // Date.now()",
    "`process.env`",
  ])("lib/decision may contain %s", (code) => {
    expect(complaintsAbout("lib/decision/x.ts", `export const f = (x) => (${code}\n)\n`)).toEqual([])
  })

  it("lib/app may read the clock, unlike lib/decision", () => {
    expect(complaintsAbout("lib/app/start.ts", "export const now = () => Date.now()")).toEqual([])
  })
})

describe("cycles of imports", () => {
  it.each([
    ["values", `import { b } from "./b.ts"\nexport const a = () => b()\n`],
    ["types alone", `import type { B } from "./b.ts"\nexport type A = B\n`],
  ])("the linter refuses a cycle of imports of %s", (_what, source) => {
    const back = `import type { A } from "./a.ts"\nexport type B = A\nexport const b = () => 1\n`
    const root = treeOf({ "lib/run/a.ts": source, "lib/run/b.ts": back })
    const oxlint = join(ROOT, "node_modules/.bin/oxlint")
    const { status, stdout } = spawnSync(oxlint, ["-c", join(ROOT, ".oxlintrc.json"), root], {
      cwd: ROOT,
      encoding: "utf8",
    })
    expect(stdout).toContain("import(no-cycle)")
    expect(status).toBe(1)
  })
})

describe("the command", () => {
  const run = (root: string) =>
    spawnSync("node", ["--import", "tsx", join(ROOT, "test/architecture/imports.ts"), root], {
      cwd: ROOT,
      encoding: "utf8",
    })

  it("the command check:imports fails on a planted violation and names it", () => {
    const { status, stderr } = run(treeOf({ "lib/decision/x.ts": "export const now = Date.now()" }))
    expect(status).toBe(1)
    expect(stderr).toContain("lib/decision/x.ts:1: Date.now reads the clock")
  })

  it("the command check:imports passes on a tree without violations", () => {
    expect(run(treeOf({})).status).toBe(0)
  })
})
