import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { settingNames } from "../../lib/app/settings.ts"
import { cliFixture, cloudFixture } from "../cli/harness.ts"

// Documents show what the program does, and their links lead to something that exists.

const ROOT = fileURLToPath(new URL("../..", import.meta.url))
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8")
const README = read("README.md")

/** The first code block of a language after a heading of the README. */
function block(heading: string, language: string): string {
  const [, section = ""] = README.split(`\n## ${heading}\n`)
  return new RegExp(`\n\`\`\`${language}\n(.*?\n)\`\`\``, "s").exec(section)?.[1] ?? ""
}

it("README's policy has at most 15 lines, and no problems or warnings", async () => {
  const policy = block("A policy", "yaml")
  expect(policy.trim().split("\n").length).toBeLessThanOrEqual(15)
  const { code, out } = await cliFixture(policy, { withoutLedger: true }).run("validate", "--strict")
  expect([code, out.trimEnd().split("\n").at(-1)]).toEqual([
    0,
    expect.stringMatching(/valid, 1 supernode, 0 warnings$/),
  ])
})

it("README's decision is what dry-run prints for README's policy", async () => {
  const own = await cloudFixture({}, block("A policy", "yaml"))
  const { out } = await own.run("dry-run", "train-a", "-v")
  const [printed = ""] = out.split("\n\nrequest: ")
  expect(withoutTimes(`${printed}\n`)).toBe(withoutTimes(block("One decision", "")))
})

function withoutTimes(text: string): string {
  return text.replaceAll(/\d{4}-\d{2}-\d{2} [\d:]+ \+00:00/g, "TIME")
}

it("README's examples of simulate and test run without keys and succeed", async () => {
  const lines = [...README.matchAll(/`supernode-autoscaler ((?:simulate|test) [^`]*)`/g)]
  expect(lines).toHaveLength(2)
  for (const [, line = ""] of lines) {
    const words = line.split(" ").map((word) => (word.startsWith("examples/") ? join(ROOT, word) : word))
    const { code, out, err } = await cliFixture(undefined, { withoutLedger: true }).run(...words)
    expect([code, err]).toEqual([0, ""])
    expect(out).toMatch(/purchases +2|all as expected/)
  }
})

it("README has at most 220 lines", () => {
  expect(README.split("\n").length).toBeLessThanOrEqual(220)
})

it("docs/settings.md has every setting, and no other setting", () => {
  const cells = read("docs/settings.md").matchAll(/^\| (`[A-Z].*?) \|/gm)
  const listed = [...cells].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name),
  )
  expect(listed.sort()).toEqual([...settingNames()].sort())
})

it("every link in a document leads to an existing file and an existing heading", () => {
  const files = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "deploy/huawei/README.md"]
  const pages = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file.replaceAll("\\", "/")}`)
  const broken = [...files, ...pages].flatMap((file) =>
    [...read(file).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)]
      .map(([, link = ""]) => link)
      .filter((link) => !leadsSomewhere(file, link))
      .map((link) => `${file}: ${link}`),
  )
  expect(broken).toEqual([])
})

function leadsSomewhere(file: string, link: string): boolean {
  const [path = "", anchor] = link.split("#")
  const target = path === "" ? join(ROOT, file) : join(ROOT, dirname(file), path)
  if (!existsSync(target)) return false
  return anchor === undefined || anchorsOf(read(relative(ROOT, target))).includes(anchor)
}

/** Anchors as GitHub makes them: lower case, without punctuation, hyphens for spaces. */
function anchorsOf(page: string): string[] {
  return [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  )
}
