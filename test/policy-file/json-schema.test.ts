import { readFileSync } from "node:fs"
import { Ajv2020 } from "ajv/dist/2020.js"
import { describe, expect, it } from "vitest"
import { parse } from "yaml"
import { DESCRIPTIONS } from "../../lib/policy-file/descriptions.ts"
import { policyJsonSchema } from "../../lib/policy-file/json-schema.ts"
import { policyPage } from "../../lib/policy-file/policy-page.ts"
import { GOOD, good } from "./policy-files.ts"

const validate = new Ajv2020({ formats: { uri: true }, strict: true, strictRequired: false }).compile(
  policyJsonSchema(),
)

describe("The JSON Schema", () => {
  it("the policy's JSON Schema and docs/policy.md are committed as generated: run `npm run schema` after a change", () => {
    expect(JSON.parse(readFileSync("docs/policy.schema.json", "utf8"))).toEqual(
      JSON.parse(JSON.stringify(policyJsonSchema())),
    )
    expect(readFileSync("docs/policy.md", "utf8")).toBe(policyPage(policyJsonSchema()))
  })

  it("the JSON Schema of policies describes every key, and has no description of an unknown key", () => {
    const rows = [...policyPage(policyJsonSchema()).matchAll(/^\| `(.+?)` \|.*\| (.*) \|$/gm)]
    expect(rows.length).toBeGreaterThan(100)
    expect(rows.filter(([, , meaning]) => meaning === "").map(([, key]) => key)).toEqual([])
    const described = new Set(rows.map(([, , meaning]) => meaning))
    expect(Object.values(DESCRIPTIONS).filter((text) => !described.has(text.replaceAll("|", "\\|")))).toEqual(
      [],
    )
  })

  it("the JSON Schema of policies accepts the example policy", () => {
    validate(parse(readFileSync("examples/policy.yaml", "utf8")))
    expect(validate.errors).toBeNull()
  })

  it.each<[string, string]>([
    ["a small policy", GOOD],
    [
      "keys that defaults give",
      "version: 1\ndefaults: { region: cn-north-4 }\nsupernodes: [ { name: a, id: b4beacb6-4380-448c-a218-daa82cf03f5d } ]",
    ],
    [
      "half of a map whose other half defaults give",
      "version: 1\ndefaults: { limits: { servers: 4 } }\nsupernodes: [ { name: a, id: b4beacb6-4380-448c-a218-daa82cf03f5d, limits: { actions: 1 per 1d } } ]",
    ],
    ["supernodes that are all included", "version: 1\ninclude: [ more/*.yaml ]"],
  ])("the JSON Schema of policies accepts %s", (_, yaml) => {
    validate(parse(yaml))
    expect(validate.errors).toBeNull()
  })

  it.each<[string, string]>([
    ["another version", good(["version: 1", "version: 2"])],
    ["no version", good(["version: 1\n", ""])],
    ["neither supernodes nor include", "version: 1"],
    ["an unknown key of the file", good(["version: 1", "version: 1\ntimezon: UTC"])],
    ["an unknown key of a supernode", good(["    region:", "    regoin:"])],
    ["an unknown key of defaults", good(["supernodes:", "defaults: { coldown: 1h }\nsupernodes:"])],
    ["an identity in defaults", good(["supernodes:", "defaults: { name: all }\nsupernodes:"])],
    ["a supernode without id", good(["    id: b4beacb6-4380-448c-a218-daa82cf03f5d\n", ""])],
    ["a rule without threshold", good(["        above: 85\n", ""])],
    ["a rule with two thresholds", good(["above: 85", "above: 85\n        below: 3"])],
    [
      "a rule without data source",
      good(["cloud-eye: { namespace: AGT.ECS, name: npu_util_rate_ai_core, period: 5m }", "lag: 1m"]),
    ],
    ["a rung without servers", good([", servers: 4", ""])],
    [
      "a disk that is too large",
      good(["key_pair_name:", "data_volume: { size: 50000, type: ESSD, count: 1 }\n      key_pair_name:"]),
    ],
    ["a duration without unit", good(["    limits:", "    cooldown: 60\n    limits:"])],
    ["a word that is not allowed", good(["    limits:", "    sold_out: wait\n    limits:"])],
  ])("the JSON Schema of policies rejects %s", (_, yaml) => {
    expect(validate(parse(yaml))).toBe(false)
  })
})
