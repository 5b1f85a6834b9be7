import { basename, dirname } from "node:path"
import { describe, expect, it } from "vitest"
import { filesMatching } from "../../lib/policy-file/include.ts"
import { GOOD, good, load, policyFolder, problemsOf } from "./policy-files.ts"

const LONG = "a".repeat(200)

const HEAD = "version: 1\ninclude: [ more/*.yaml ]\n"
const SUPERNODE = GOOD.slice(GOOD.indexOf("supernodes:"))
const other = (name: string, id: string) =>
  SUPERNODE.replace("train-a", name).replace(
    "b4beacb6-4380-448c-a218-daa82cf03f5d",
    `b4beacb6-4380-448c-a218-daa82cf03f${id}`,
  )

describe("included files", () => {
  it("include adds the supernodes of every matching file, in the order of the file names", async () => {
    const yaml = `${HEAD}timezone: Asia/Shanghai\ndefaults: { cooldown: 2h }\n${SUPERNODE}`
    const { supernodes } = await load(yaml, {
      "more/c.yaml": other("c", "00"),
      "more/b.yaml": `version: 1\n${other("b", "01")}`,
      "more/.old.yaml": "x",
      "more/b.yml": "x",
    })
    expect(supernodes.map(({ policy }) => [policy.name, policy.timezone, policy.cooldownMs])).toEqual([
      ["train-a", "Asia/Shanghai", 7_200_000],
      ["b", "Asia/Shanghai", 7_200_000],
      ["c", "Asia/Shanghai", 7_200_000],
    ])
  })

  it("included policy files may contain all supernodes, and each file is read once", async () => {
    const yaml = 'version: 1\ninclude: [ "**/*.yaml", more/deep/x.yaml, "./more/d??p/*" ]\n'
    const { supernodes } = await load(yaml, { "more/deep/x.yaml": SUPERNODE })
    expect(supernodes.map(({ policy }) => policy.name)).toEqual(["train-a"])
  })

  it.each<[string, string[]]>([
    ["*", ["a.yaml", "ab.yaml", "b*.yaml", LONG]],
    ["a*", ["a.yaml", "ab.yaml", LONG]],
    ["a?.yaml", ["ab.yaml"]],
    ["*b*.yaml", ["ab.yaml", "b*.yaml"]],
    ["**.yaml", ["a.yaml", "ab.yaml", "b*.yaml"]],
    ["**/**/**/*b.yaml", ["ab.yaml"]],
    [".*", [".a"]],
    ["a.yaml*?", []],
    // A regular expression would practically never finish this.
    [`${"*a".repeat(100)}b`, []],
    ["*a".repeat(100), [LONG]],
    ["*a".repeat(100_000), []],
  ])(
    "include matches file names by * and ?, without a long search for any pattern (case %#)",
    async (pattern, names) => {
      const all = ["a.yaml", "ab.yaml", "b*.yaml", ".a", LONG]
      const folder = dirname(await policyFolder(Object.fromEntries(all.map((name) => [name, ""]))))
      expect((await filesMatching(folder, pattern)).map((path) => basename(path))).toEqual(names.toSorted())
    },
  )

  it("a supernode has the same policy hash in the policy file and in an included file", async () => {
    const [inside] = (await load(`${HEAD}`, { "more/a.yaml": SUPERNODE })).supernodes
    const [outside] = (await load(GOOD)).supernodes
    expect(inside?.hash).toBe(outside?.hash)
  })

  it.each<[string, string, Record<string, string>, string[]]>([
    [
      "a pattern without a match",
      HEAD,
      {},
      [
        'policy.yaml:2:12: include.0: must name at least one other file, relative to the policy file: "more/*.yaml" matches none',
      ],
    ],
    [
      "a file that includes itself",
      good(["version: 1", "version: 1\ninclude: [ '*.yaml' ]"]),
      {},
      [
        'policy.yaml:2:12: include.0: must name at least one other file, relative to the policy file: "*.yaml" matches none',
      ],
    ],
    [
      "an empty list",
      good(["version: 1", "version: 1\ninclude: []"]),
      {},
      ["policy.yaml:2:10: include: must have at least one pattern such as [ more/*.yaml ]"],
    ],
    [
      "a folder",
      "version: 1\ninclude: [ more ]\n",
      { "more/a.yaml": SUPERNODE },
      ["more:1:1: (file): must be a file, not a directory"],
    ],
    [
      "defaults in an included file",
      HEAD,
      { "more/a.yaml": `defaults: {}\n${SUPERNODE}` },
      ["more/a.yaml:1:1: defaults: is not a known key: allowed keys are version, supernodes"],
    ],
    [
      "an include in an included file",
      HEAD,
      { "more/a.yaml": `include: [ x ]\n${SUPERNODE}` },
      ["more/a.yaml:1:1: include: is not a known key: allowed keys are version, supernodes"],
    ],
    [
      "no supernodes in an included file",
      HEAD,
      { "more/a.yaml": "version: 1\n" },
      ["more/a.yaml:1:1: supernodes: is missing: must be a list of supernodes"],
    ],
    [
      "the problems of all files together, under their own names",
      `${HEAD}timezone: here\n`,
      { "more/a.yaml": SUPERNODE.replace("above: 85", "above: high"), "more/b.yaml": "[", "more/c.yaml": "" },
      [
        'policy.yaml:3:11: timezone: must be an IANA time zone such as Asia/Shanghai or UTC, not "here"',
        'more/a.yaml:10:16: supernodes.0.rules.0.above: must be a number, not "high"',
        expect.stringMatching(/^more\/b\.yaml:1:2: \(file\): is not valid YAML/),
        "more/c.yaml:1:1: (file): must be a mapping with the keys version and supernodes, not empty",
      ],
    ],
    [
      "a problem in defaults found through an included file",
      `${HEAD}defaults: { cooldown: 0 }\n`,
      { "more/a.yaml": SUPERNODE, "more/b.yaml": other("b", "01") },
      ['policy.yaml:3:23: defaults.cooldown: must be a duration such as "90s", "15m", "1h" or "30d", not 0'],
    ],
    [
      "one id in two files",
      `${HEAD}${SUPERNODE}`,
      { "more/a.yaml": SUPERNODE.replace("train-a", "train-z") },
      [
        "more/a.yaml:5:9: supernodes.0.id: must be unique: b4beacb6-4380-448c-a218-daa82cf03f5d is already used at policy.yaml:7:9",
      ],
    ],
    [
      "one name in two files",
      `${HEAD}${SUPERNODE}`,
      { "more/a.yaml": other("train-a", "01") },
      ["more/a.yaml:2:11: supernodes.0.name: must be unique: train-a is already used at policy.yaml:4:11"],
    ],
  ])("include reports %s", async (_, yaml, others, lines) => {
    expect(await problemsOf(yaml, others)).toEqual(lines)
  })

  it("included files must have one currency, and the problem names the most frequent currency", async () => {
    const priced = (yaml: string, currency: string) =>
      yaml.replace("servers: 48", `servers: 48, budget: { amount: 5, currency: ${currency}, per: month }`)
    const yaml = `${HEAD}fleet: { budget: { amount: 9, currency: USD, per: 30d } }\n${priced(SUPERNODE, "CNY")}`
    expect(await problemsOf(yaml, { "more/b.yaml": priced(other("b", "01"), "CNY") })).toEqual([
      "policy.yaml:3:41: fleet.budget.currency: must be CNY as elsewhere in the policy, not USD: currencies are not converted",
    ])
  })
})
