import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Ajv2020 } from "ajv/dist/2020.js"
import { expect, it } from "vitest"
import { parse } from "yaml"
import { scenarioJsonSchema } from "../../lib/simulate/scenario/json-schema.ts"
import { cliFixture, POLICY, TWO_SUPERNODES } from "../cli/harness.ts"

// `test FILE…` as operators use it with a policy of their own: train-a with rungs of 1, 2 and 4 servers.

const GOOD = `title: A busy supernode grows by one rung
supernodes: { train-a: 1 }
timeline:
  - { at: "10:00", tick: {}, expect: { buys: 2 } }
  - { at: "10:05", tick: {}, expect: { held: in-flight } }
orders: 1
`

it("the test command prints SUCCESS, or FAILED with expected and actual values, and exits 1 if a scenario fails", async () => {
  const own = cliFixture(POLICY, { withoutLedger: true })
  const good = own.file("good.yaml", GOOD)
  const bad = own.file("bad.yaml", GOOD.replace("in-flight", "cooldown").replace("orders: 1", "orders: 2"))
  const { code, out } = await own.run("test", good, bad)
  expect([code, out.replaceAll(`${own.dir}/`, "")]).toEqual([
    1,
    `good.yaml: A busy supernode grows by one rung
  SUCCESS

bad.yaml: A busy supernode grows by one rung
  FAILED:
    2026-03-02 10:05:00 +00:00 train-a (timeline[1]), held:
        exp: "cooldown"
        got: "in-flight"
        ${heldBy(out)}
    at the end, orders:
        exp: 2
        got: "1 (2)"

2 scenarios: 1 failed
`,
  ])
  expect((await own.run("test", good)).code).toBe(0)
})

/** The printed sentence of the gate, which other tests check. */
function heldBy(out: string): string {
  const line = out.split("\n").find((one) => one.includes("held by in-flight: "))
  return line?.trim() ?? "no reason was printed"
}

it("the test command reports the problems of all files with file:line:column before it plays any scenario", async () => {
  const own = cliFixture(POLICY, { withoutLedger: true })
  const files = [
    own.file("a.yaml", GOOD.replace("held:", "helt:")),
    own.file("b.yaml", GOOD.replace("{ train-a: 1 }", "{ train-b: 1 }")),
    own.file("c.yaml", `${GOOD}load: [\n`),
    own.file("d.yaml", GOOD.replace('"10:05", tick', '"10:05", on: train-z, tick')),
    `${own.dir}/nowhere.yaml`,
  ]
  const { code, out, err } = await own.run("test", ...files)
  expect([code, out]).toEqual([1, ""])
  const lines = err.replaceAll(`${own.dir}/`, "").trim().split("\n")
  expect(lines).toEqual([
    expect.stringMatching(/^a\.yaml:5:38: timeline\.1\.expect: .*"helt".*; did you mean held\?$/),
    "b.yaml:2:24: supernodes.train-b: the policy has no supernode train-b; did you mean train-a?",
    expect.stringMatching(/^c\.yaml:\d+:\d+: /),
    "d.yaml:5:24: timeline.1.on: the scenario has no supernode train-z; did you mean train-a?",
    "nowhere.yaml:1:1: cannot be read: no such file",
    "error: the scenarios have 5 problems; nothing was played",
  ])
})

it("a scenario's own keys override those of the policy, and a scenario that makes the policy invalid is refused", async () => {
  const own = cliFixture(POLICY, { withoutLedger: true })
  const capped = own.file(
    "capped.yaml",
    `${GOOD.replace("buys: 2", "held: at-limit").replace("held: in-flight", "held: at-limit").replace("orders: 1", "orders: 0")}policy: { limits: { actions: 1 per 1h, servers: 1 } }\n`,
  )
  expect((await own.run("test", capped)).out).toContain("1 scenario: all as expected")
  const { code, err } = await own.run("test", own.file("odd.yaml", `${GOOD}policy: { cooldown: soon }\n`))
  expect([code, err.replaceAll(`${own.dir}/`, "")]).toEqual([
    1,
    expect.stringMatching(/^odd\.yaml:7:21: policy\.cooldown: makes the policy invalid: must be a duration/),
  ])
})

it("a scenario that names no supernodes uses all supernodes of the policy, each on its smallest rung", async () => {
  const own = cliFixture(TWO_SUPERNODES, { withoutLedger: true })
  const steps = [
    '{ at: "10:00", tick: {}, expect: { buys: 2 } }',
    '{ at: "10:00", on: train-b, tick: {}, expect: { buys: 2 } }',
  ]
  const path = own.file("two.yaml", `title: Both grow\ntimeline: [ ${steps.join(", ")} ]\norders: 2\n`)
  expect((await own.run("test", path)).out).toContain("1 scenario: all as expected")
})

it("the JSON Schema of scenarios is committed as generated, and accepts every scenario of this repository", () => {
  const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
  const schema = JSON.parse(readFileSync(at("docs/scenarios.schema.json"), "utf8")) as object
  expect(schema).toEqual(JSON.parse(JSON.stringify(scenarioJsonSchema())))
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema)
  const folder = at("test/scenarios")
  const names = readdirSync(folder).filter((name) => name.endsWith(".yaml"))
  const refused = names.filter((name) => !validate(parse(readFileSync(`${folder}/${name}`, "utf8"))))
  expect(refused).toEqual([])
  expect(validate({ ...parse(GOOD), titel: "x" })).toBe(false)
})
