import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { parse, stringify } from "yaml"
import { parsePrometheusAuth } from "../../lib/metrics/prometheus/auth.ts"
import { play } from "../../lib/simulate/scenario/play.ts"
import { scenarioSchema } from "../../lib/simulate/scenario/script.ts"
import { cliFixture, cloudFixture, POLICY } from "../cli/harness.ts"
import { STAGE } from "../scenarios/default-policy.ts"

// Each block of YAML or JSON in a document is read by the program for which it is written.

const ROOT = fileURLToPath(new URL("../..", import.meta.url))
const EXAMPLES = "examples/events/"

interface Block {
  /** The file, and the block's number in it. */
  at: string
  text: string
}

function blocksIn(file: string): Block[] {
  const page = readFileSync(join(ROOT, file), "utf8")
  return [...page.matchAll(/^```(?:yaml|json)\n(.*?)^```/gms)].map(([, text = ""], i) => ({
    at: `${file} ${i + 1}`,
    text,
  }))
}

const pages = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".md"))
  .map((file) => `docs/${file.replaceAll("\\", "/")}`)
const BLOCKS = ["README.md", "deploy/huawei/README.md", ...pages.sort()].flatMap(blocksIn)

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEbXHYYqkZ1l2Tn0mYvVbXkq5r8cKpN3Z2mW1xYh7uQd"

/** Replaces the parts that the documents leave out. */
const filledIn = (text: string): string =>
  text
    .replaceAll("ssh-ed25519 AAAA…", KEY)
    .replaceAll("PROJECT", "0123456789abcdef0123456789abcdef")
    .replaceAll("://open.feishu.cn/…", "://open.feishu.cn/hook")
    .replaceAll(/secret: …/g, "secret: 0123456789abcdef")
    .replaceAll('"…"', '"left-out"')

type Keys = Record<string, unknown>

/** The test's policy with these keys in the whole file, its supernode or its rule. */
function policyWith(keys: Keys): string {
  const policy = parse(POLICY) as Keys & { supernodes: (Keys & { rules: Keys[] })[] }
  const [supernode] = policy.supernodes
  const [rule] = supernode?.rules ?? []
  if (!supernode || !rule) throw new Error("the test's policy has a supernode and a rule")
  const { supernodes = [], ...others } = keys
  if ("metric" in keys) Object.assign(rule, keys)
  else Object.assign(policy, others)
  Object.assign(supernode, ...(supernodes as Keys[]))
  return stringify(policy)
}

/** Ignores warnings: they are about the rest of the test's policy. */
const isValid = async (text: string): Promise<void> => {
  const { code, err } = await cliFixture(policyWith(parse(text) as Keys), { withoutLedger: true }).run(
    "validate",
  )
  expect([code, err.split("\n").filter((line) => line.startsWith("error"))]).toEqual([0, []])
}

const isEvent = async (text: string): Promise<void> => {
  const own = await cloudFixture()
  const { code, err } = await own.run("run", "--event", own.file("event.json", text))
  expect([code, err]).toEqual([0, ""])
}

/** Checks that the document's plan file has the keys of one that a dry run writes. */
const isPlanFile = async (text: string): Promise<void> => {
  const own = await cloudFixture()
  await own.run("dry-run", "train-a", "--why", "launch week", "--out", `${own.dir}/plan.json`)
  const written = JSON.parse(readFileSync(`${own.dir}/plan.json`, "utf8")) as Keys
  const shown = JSON.parse(text) as Keys
  expect(Object.keys(shown).sort()).toEqual(Object.keys(written).sort())
  const request = Object.keys(shown["request"] as Keys).filter((key) => key !== "left-out")
  expect(Object.keys(written["request"] as Keys)).toEqual(expect.arrayContaining(request))
}

const isScenario = async (text: string): Promise<void> => {
  expect(await play(scenarioSchema.parse(parse(text)), STAGE)).toEqual([])
}

const areLogins = async (text: string): Promise<void> => {
  expect(parsePrometheusAuth(text).problems).toEqual([])
}

const READERS: [name: string, mark: RegExp, reads: (text: string) => Promise<void>][] = [
  ["a whole policy, in test/docs/documents.test.ts", /^version: 1/, async () => undefined],
  ["keys of a policy", /^(notify|approvers|silence|metric):/, isValid],
  ["a scenario", /^title:/, isScenario],
  ["logins of Prometheus", /"bearer":/, areLogins],
  [
    "an event of the manual function, in test/functions/commands.test.ts",
    /^\{ "command":/,
    async () => undefined,
  ],
  ["a person's request", /^\{ "supernode":/, isEvent],
  ["a plan file", /^\{ "v": 1/, isPlanFile],
  // Results that are cut short, and settings of other programs. We have no parser for them here.
  ["a shortened result", /^\{ "entry":/, async () => undefined],
  [
    "Prometheus's or Alertmanager's settings",
    /^(receivers|scrape_configs):/,
    async (text) => void parse(text),
  ],
]

describe("a block of YAML or JSON in a document", () => {
  it.each(BLOCKS)(
    "each code block of a document is valid for the program that reads it: $at",
    async ({ text }) => {
      const readers = READERS.filter(([, mark]) => mark.test(text))
      expect(readers.map(([name]) => name)).toHaveLength(1)
      for (const [, , reads] of readers) await reads(filledIn(text))
    },
  )

  it.each(readdirSync(join(ROOT, EXAMPLES)))(
    "run reads the example event examples/events/%s",
    async (file) => {
      await isEvent(readFileSync(join(ROOT, EXAMPLES, file), "utf8"))
    },
  )
})
