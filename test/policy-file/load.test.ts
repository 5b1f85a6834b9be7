import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { describe, expect, it } from "vitest"
import { loadPolicyFile, PolicyError } from "../../lib/policy-file/load.ts"
import { GOOD, good, load, policyFolder } from "./policy-files.ts"

async function errorOf(path: string): Promise<PolicyError> {
  const error: unknown = await loadPolicyFile(path).catch((thrown: unknown) => thrown)
  if (error instanceof PolicyError) return error
  throw new Error("there was no PolicyError", { cause: error })
}

describe("loading a policy file", () => {
  it("loading a policy file gives each supernode's effective policy with its hash", async () => {
    const file = await load(GOOD)
    expect(file.supernodes).toHaveLength(1)
    expect(file.supernodes[0]?.policy).toMatchObject({
      name: "train-a",
      timezone: "UTC",
      fleet: null,
      cooldownMs: 3_600_000,
      minIntervalMs: 1_800_000,
      warmupMs: 900_000,
      soldOut: "hold",
      unknownOutcome: "human",
      armAfterMs: 0,
      approval: null,
      efficacy: null,
      rules: [{ points: { m: 1, n: 1 }, missing: "hold", repeat: true, metric: { quorum: 1, lag: 60_000 } }],
    })
    expect(file).toMatchObject({ smnTopics: [], snsTopics: [], notify: [], silenced: [] })
  })

  it("a PolicyError contains every problem, and its message has one line for each problem", async () => {
    const path = await policyFolder({
      "policy.yaml": good(["above: 85", "above: high"], ["servers: 48", "servers: 0"]),
    })
    const error = await errorOf(path)
    expect(error.name).toBe("PolicyError")
    expect(error.problems).toEqual([
      {
        file: path,
        line: 11,
        column: 16,
        path: "supernodes.0.rules.0.above",
        message: 'must be a number, not "high"',
      },
      {
        file: path,
        line: 18,
        column: 44,
        path: "supernodes.0.limits.servers",
        message: "must be 1 to 48 servers, not 0",
      },
    ])
    expect(error.message).toBe(
      `${path}:11:16: supernodes.0.rules.0.above: must be a number, not "high"\n${path}:18:44: supernodes.0.limits.servers: must be 1 to 48 servers, not 0`,
    )
  })

  it("a missing policy file is reported as a problem", async () => {
    const path = join(tmpdir(), "no", "policy.yaml")
    expect((await errorOf(path)).message).toBe(`${path}:1:1: (file): cannot be read: no such file`)
  })

  it("a missing policy file with a relative path is reported with its absolute path", async () => {
    expect((await errorOf("no/policy.yaml")).message).toBe(
      `no/policy.yaml:1:1: (file): cannot be read: no such file at ${resolve("no/policy.yaml")}`,
    )
  })

  it("a folder is refused as a policy file", async () => {
    expect((await errorOf(tmpdir())).message).toBe(`${tmpdir()}:1:1: (file): must be a file, not a directory`)
  })

  it("a policy file may be JSON, and its problems have line and column too", async () => {
    const path = await policyFolder({
      "policy.yaml": '{\n  "version": 1,\n  "supernodes": [ { "name": "a b" } ]\n}\n',
    })
    expect((await errorOf(path)).problems.at(-1)).toMatchObject({
      line: 3,
      column: 29,
      path: "supernodes.0.name",
    })
  })

  it("a flavor in a policy may have hyphens, as in the example of the cloud's API page", async () => {
    const file = await load(good(["kat3ne-16-400t.96xlarge.8.matrix", "kat3ne-16-32"]))
    expect(file.supernodes[0]?.policy.ladder.map(({ flavor }) => flavor)).toEqual([
      "kat3ne-16-32",
      "kat3ne-32-800t.192xlarge.8.matrix",
    ])
  })

  it("a rung's price counts the periods of its commitment, rounded up", async () => {
    const rung = (price: string) => `servers: 4, price: { amount: 1.5, currency: CNY, ${price} } }`
    const periodsOf = async (price: string) =>
      (await load(good(["servers: 4 }", rung(price)]))).supernodes[0]?.policy.ladder[1]?.price
    expect(await periodsOf("per: month, commitment: 1 year")).toEqual({
      minor: 150,
      currency: "CNY",
      per: "month",
      periods: 12,
    })
    expect(await periodsOf("per: week, commitment: 1 month")).toMatchObject({ periods: 5 })
    expect(await periodsOf("per: month, commitment: 2 hours")).toMatchObject({ periods: 1 })
    expect(await periodsOf("per: hour")).toMatchObject({ periods: 1 })
  })
})
