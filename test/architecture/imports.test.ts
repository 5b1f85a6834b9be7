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
    ["decision imports no room", "lib/decision/x.ts", `import { a } from "../ledger/a.ts"`],
    ["decision does not import ports", "lib/decision/x.ts", `import type { Ledger } from "../ports.ts"`],
    ["decision imports no package but zod and date-fns", "lib/decision/x.ts", `import yaml from "yaml"`],
    ["decision imports no built-in module", "lib/decision/x.ts", `import { readFileSync } from "node:fs"`],
    [
      "decision imports no built-in module by its old name",
      "lib/decision/x.ts",
      `import { randomUUID } from "crypto"`,
    ],
    ["signals do not know the cloud", "lib/signals/x.ts", `import { a } from "../huawei/a.ts"`],
    ["metrics do not know the cloud's room", "lib/metrics/x.ts", `import { a } from "../huawei/a.ts"`],
    ["the cloud does not know the ledger", "lib/huawei/x.ts", `import { a } from "../ledger/entry.ts"`],
    ["the ledger does not know the sandbox", "lib/ledger/x.ts", `import { a } from "../sandbox/a.ts"`],
    [
      "the sandbox does not know the client it tests",
      "lib/sandbox/x.ts",
      `import { a } from "../huawei/sign.ts"`,
    ],
    [
      "the policy's room does not know signals",
      "lib/policy-file/x.ts",
      `import { a } from "../signals/a.ts"`,
    ],
    ["notifications do not know the ledger", "lib/notify/x.ts", `import { a } from "../ledger/a.ts"`],
    ["lib/run/notify.ts imports no webhook", "lib/run/notify.ts", `import { a } from "../notify/webhook.ts"`],
    ["a room does not know the wiring", "lib/huawei/x.ts", `import { a } from "../app/start.ts"`],
    ["a room does not know the settings", "lib/ledger/x.ts", `import { a } from "../app/settings.ts"`],
    ["ports know no room", "lib/ports.ts", `import type { A } from "./signals/a.ts"`],
    ["run knows no room", "lib/run/run.ts", `import { a } from "../huawei/a.ts"`],
    [
      "run knows of the ledger only what an entry is",
      "lib/run/run.ts",
      `import { a } from "../ledger/sqlite/store.ts"`,
    ],
    ["no step of a run knows a room", "lib/run/gather.ts", `import { a } from "../metrics/read.ts"`],
    ["settings know only decision", "lib/app/settings.ts", `import { a } from "../ports.ts"`],
    ["credentials know no cloud", "lib/app/credentials.ts", `import { a } from "../huawei/a.ts"`],
    ["the policy file knows no ledger", "lib/policy-file/load.ts", `import { a } from "../ledger/entry.ts"`],
    ["webhooks know no cloud", "lib/signals/webhooks/webhooks.ts", `import { a } from "../../huawei/a.ts"`],
    ["doors know no room", "functions/alarm.ts", `import { a } from "../lib/signals/a.ts"`],
    ["doors do not import the decision", "functions/door.ts", `import { a } from "../lib/decision/a.ts"`],
    [
      "serve knows what an app is, and no room behind it",
      "lib/serve/x.ts",
      `import { a } from "../signals/a.ts"`,
    ],
    ["lib knows no door", "lib/app/start.ts", `import { a } from "../../functions/door.ts"`],
    ["lib knows no test", "lib/app/start.ts", `import { a } from "../../test/fakes.ts"`],
    ["middy stays in the doors", "lib/app/start.ts", `import middy from "@middy/core"`],
    [
      "powertools stay in the doors",
      "lib/ledger/x.ts",
      `import { Logger } from "@aws-lambda-powertools/logger"`,
    ],
    [
      "the vendor's SDK stays in the tests",
      "lib/huawei/x.ts",
      `import a from "@huaweicloud/huaweicloud-sdk-core"`,
    ],
    [
      "a run does not read policy files",
      "lib/run/task.ts",
      `import type { A } from "../policy-file/load.ts"`,
    ],
    ["no step but the purchase sends", "lib/run/run.ts", `import { sendOnce } from "./send.ts"`],
    ["no step but the purchase settles", "lib/run/send.ts", `import { settle } from "./settle.ts"`],
    ["no entry point sends", "functions/cli/x.ts", `import { sendOnce } from "../../lib/run/send.ts"`],
    ["only send.ts names cloud.buy", "lib/app/x.ts", "export const f = (ports) => ports.cloud.buy(1)"],
    [
      "only send.ts names cloud.buy, also as a quoted name",
      "lib/app/x.ts",
      `export const f = (ports) => ports.cloud["buy"](1)`,
    ],
    ["no other step of a run destructures buy", "lib/run/x.ts", "export const f = ({ buy }) => 1"],
    [
      "a wiring knows what it connects, not every room",
      "lib/app/dispatch.ts",
      `import { a } from "../sandbox/a.ts"`,
    ],
    [
      "a layer of the decision does not know a higher one",
      "lib/decision/state/x.ts",
      `import { a } from "../gates/a.ts"`,
    ],
    [
      "money does not know pacing above it",
      "lib/decision/money/x.ts",
      `import type { A } from "../pacing/a.ts"`,
    ],
    ["the state knows no decision", "lib/decision/state/x.ts", `import type { A } from "../decision.ts"`],
    ["no layer knows decide", "lib/decision/explain/x.ts", `import { decide } from "../decide.ts"`],
    ["no import goes by an alias", "lib/app/start.ts", `import a from "#room"`],
    ["no import goes by a URL", "lib/app/start.ts", `import a from "file:///x.ts"`],
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
