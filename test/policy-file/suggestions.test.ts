import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { parse, parseDocument, stringify } from "yaml"
import { readSettings, SettingsError, settingNames } from "../../lib/app/settings.ts"
import { loadPolicyFile, PolicyError } from "../../lib/policy-file/load.ts"

// Puts each example of a problem of a policy or of a setting in place of the wrong value, and checks that the
// problem is gone.

const PATH = "examples/policy.yaml"
const GOOD = readFileSync(PATH, "utf8")
/** Keys that the example lacks, so that all are tried. */
const MORE = {
  ledger_id: "6f1c1e1c-8d0e-4a5b-9c55-1f2e3d4c5b6a",
  include: ["none-*.yaml"],
  silence: [{ warning: "no-budget", reason: "a test" }],
}
const RULES = [
  {
    name: "aws",
    metric: {
      cloudwatch: { namespace: "A", name: "b", period: "5m", statistic: "p99", region: "eu-central-1" },
    },
    above: 1,
  },
  { name: "said", metric: { alarm: { alertname: "NpuBusy", unit: "%" } }, above: 1 },
]

function whole(): Record<string, unknown> {
  const policy = { ...(parse(GOOD) as { supernodes: { rules: object[] }[] }), ...MORE }
  policy.supernodes[0]?.rules.push(...RULES)
  return policy
}
const WRONG = ["???", {}]
/** Values that some keys refuse with a suggestion of their own. */
const WRONG_AT: Readonly<Record<string, unknown[]>> = {
  cron: ["0 8 */2 * 1-5"],
  timezone: ["CST", "+08:00"],
  warning: ["no-budgt"],
}

type Key = string | number

/** Every path in a value, containers too. */
function places(value: unknown, at: Key[] = []): Key[][] {
  if (typeof value !== "object" || value === null) return [at]
  const inner = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return [at, ...inner.flatMap(([key, child]) => places(child, [...at, key]))]
}

/** The kind of a path: items of one list are alike. */
function kindOf(at: Key[]): string {
  return at.map((key) => (typeof key === "number" ? "n" : key)).join(".")
}

/** The first path of each kind, except the file as a whole. */
const PLACES = [
  ...new Map(
    places(whole())
      .reverse()
      .map((at) => [kindOf(at), at]),
  ).values(),
].filter((at) => at.length > 0)
const WHOLE = stringify(whole())

function withValue(at: Key[], value: unknown): string {
  const document = parseDocument(WHOLE)
  document.setIn(at, value)
  return String(document)
}

async function problemsAt(text: string): Promise<{ path: string; message: string }[]> {
  try {
    await loadPolicyFile(PATH, 0, Buffer.from(text))
    return []
  } catch (error) {
    if (error instanceof PolicyError) return error.problems
    throw error
  }
}

/**
 * The values after "such as" or "write": some in quotes, a map or a list, or one word. Those with an ellipsis
 * are forms.
 */
function examplesIn(message: string): string[] {
  const [, list = ""] =
    /(?:such as|[Ww]rite) ((?:"[^"]*"(?:, | or )*)+|[\w.]*:? ?[[{][^\n]*[\]}]|[^\s,;()]+)/.exec(message) ?? []
  const isQuoted = list.startsWith('"')
  const all = isQuoted
    ? [...list.matchAll(/"([^"]*)"/g)].map(([, one = ""]) => one)
    : [list.replace(/[:.]$/, "")]
  return all
    .filter((example) => !["", "the"].includes(example) && !example.includes("…"))
    .map((example) => (isQuoted ? JSON.stringify(example) : example))
}

describe("an example in a problem of the policy", () => {
  it("every example in a problem of the policy is a valid value at that path", {
    timeout: 120_000,
  }, async () => {
    const tried = new Map<string, string[]>()
    const kept: string[] = []
    for (const at of PLACES) {
      for (const wrong of [...WRONG, ...(WRONG_AT[String(at.at(-1))] ?? [])]) {
        const text = withValue(at, wrong)
        const path = at.join(".")
        for (const problem of await problemsAt(text)) {
          const name = `${kindOf(at)}: ${problem.message}`
          if (problem.path !== path || tried.has(name)) continue
          const examples = examplesIn(problem.message)
          tried.set(name, examples)
          for (const example of examples) {
            const left = await problemsAt(withValue(at, parse(example)))
            if (left.some((one) => one.path === path)) kept.push(`${path}: ${problem.message} -> ${example}`)
          }
        }
      }
    }
    expect(kept).toEqual([])
    expect([...tried.values()].filter((examples) => examples.length > 0).length).toBeGreaterThan(30)
  })
})

describe("an example in a problem of a setting", () => {
  it.each(settingNames())("every example in a problem of a setting is a valid value: %s", (name) => {
    const problems = (value: string): string[] => {
      try {
        readSettings((one) => (one === name ? value : undefined), [name])
        return []
      } catch (error) {
        if (error instanceof SettingsError) return error.problems.filter((problem) => problem.includes(name))
        throw error
      }
    }
    for (const problem of ["???", "x", "0", "-1", "http://", "sqlite:", "2h"].flatMap(problems))
      for (const example of examplesIn(problem).map((one) => String(parse(one))))
        expect([problem, example, problems(example)]).toEqual([problem, example, []])
  })
})
