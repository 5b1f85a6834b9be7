import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { parse } from "yaml"
import {
  namedSupernodes,
  PLACEHOLDER_SUPERNODE,
  policyText,
  quoted,
} from "../../../functions/cli/policy/new-policy.ts"
import { DEFAULT_SUPERNODE } from "../../../lib/sandbox/world/defaults.ts"
import { type CliFixture, cliFixture, cloudFixture, ID } from "../harness.ts"

const PROJECT = ["--region", "cn-southwest-2", "--project-id", "0123456789abcdef0123456789abcdef"]

function inDesk(own: CliFixture, name = "new.yaml"): string {
  return join(own.dir, name)
}

/** Checks that the new policy is valid and warns that nothing can be bought, and that its scenario passes. */
async function expectGood(own: CliFixture, path: string): Promise<void> {
  const checked = await own.run("validate", path)
  expect(checked.out).toContain("valid, ")
  expect(checked.err).toContain("[nothing-to-buy]")
  const played = await own.run("test", inDesk(own, "scenario.yaml"), "--policy", path)
  expect([checked.code, played.code, played.out]).toEqual([0, 0, expect.stringContaining("all as expected")])
}

describe("init", () => {
  it("init writes a valid policy with placeholders that buys nothing, and a scenario that passes", async () => {
    const own = cliFixture()
    const { code, out } = await own.run("init", "--out", inDesk(own))
    expect([code, out]).toEqual([0, expect.stringContaining("It buys nothing yet")])
    await expectGood(own, inDesk(own))
  })

  it("init never replaces a file, and keeps an existing scenario", async () => {
    const own = cliFixture()
    const again = await own.run("init", "--out", inDesk(own, "policy.yaml"))
    expect([again.code, again.err]).toEqual([
      1,
      expect.stringContaining("exists already and is never replaced"),
    ])
    expect(existsSync(inDesk(own, "scenario.yaml"))).toBe(false)
    writeFileSync(inDesk(own, "scenario.yaml"), "mine")
    const { json } = await own.run("init", "--out", inDesk(own), "--json")
    expect(json()).toEqual({ policy: inDesk(own), scenario: null, supernodes: ["train-a"] })
    expect(readFileSync(inDesk(own, "scenario.yaml"), "utf8")).toBe("mine")
  })

  it("init --from-cloud writes the supernode that the keys see, with its size, metric and offers", async () => {
    const own = await cloudFixture()
    const { out, err } = await own.run("init", "--from-cloud", ...PROJECT, "--out", inDesk(own))
    expect([err, out]).toEqual(["", expect.stringContaining("1 supernode (train-a)")])
    const text = readFileSync(inDesk(own), "utf8")
    const policy = parse(text) as { supernodes: { id: string; ladder: unknown[]; limits: object }[] }
    expect(policy.supernodes).toMatchObject([{ id: ID, ladder: [{ servers: 2 }], limits: { servers: 2 } }])
    expect(text).toContain('# - { flavor: "kat3ne-32-800t.192xlarge.8.matrix", servers: N, price:')
    await expectGood(own, inDesk(own))
  })

  it("init --from-cloud writes nothing if the cloud refuses the keys or shows no supernode", async () => {
    const own = await cloudFixture()
    own.sandbox.failNext("supernodes", { status: 403, code: "ModelArts.0108", message: "no" }, 9)
    const refused = await own.run("init", "--from-cloud", ...PROJECT, "--out", inDesk(own))
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringMatching(/cannot be listed: .* answered 403/),
    ])
    expect(existsSync(inDesk(own))).toBe(false)
    const empty = await cloudFixture({ supernodes: [{ ...DEFAULT_SUPERNODE, projectId: "another" }] })
    const none = await empty.run("init", "--from-cloud", ...PROJECT, "--out", inDesk(empty))
    expect([none.code, none.err]).toEqual([1, expect.stringContaining("these keys see no supernode")])
  })

  it("init --from-cloud gives a new name to a supernode whose name is invalid in a policy or already taken", async () => {
    const seen = ["a", "A", "_odd", null, "b\n  - x: {"].map((name, i) => ({
      ...PLACEHOLDER_SUPERNODE,
      id: `c5cfbdc7-5491-459d-b329-eb493df14a6${i}`,
      name,
      flavor: "x # y",
    }))
    const named = namedSupernodes(seen)
    const names = ["a", "supernode-2", "supernode-3", "supernode-4", "supernode-5"]
    expect(named.map(({ policyName }) => policyName)).toEqual(names)
    const own = cliFixture()
    const { code, out } = await own.run("validate", own.file("new.yaml", policyText(named)))
    expect([code, out]).toEqual([0, expect.stringContaining("valid, 5 supernodes")])
  })

  it("init writes text from the cloud as one YAML scalar in quotes on one line, whatever it contains", () => {
    for (const text of ["a: b # c", "x\n  y: z", '"\\', "- [ {", "\u2028\u0085\u0007", "!!tag &a *a", ""]) {
      expect(quoted(text)).not.toMatch(/[\r\n\u0085\u2028\u2029]/)
      expect(parse(`key: ${quoted(text)} # comment`)).toEqual({ key: text })
    }
  })
})
