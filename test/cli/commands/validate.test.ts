import { describe, expect, it } from "vitest"
import { bytes, cliFixture, ID, POLICY, TWO_SUPERNODES } from "../harness.ts"

describe("validate", () => {
  it("validate prints a summary of a good policy, with its defaults and its hash", async () => {
    const own = cliFixture()
    const { code, out, err } = await own.run("validate")
    expect(out).toContain(
      "npu-busy: cloud-eye npu_util_rate_ai_core above 85 in 3 of 5 periods of 5m; missing data: hold",
    )
    expect(out).toContain("1 (60000 CNY per month) -> 2 (120000 CNY per month) -> 4 (240000 CNY per month)")
    expect(out).toContain("2 purchases per 1d, 48 servers, 500000 CNY per 30d")
    expect(out).toContain("1h from completion, 30m from request, warm-up 15m")
    expect(out).toMatch(/hash +sha256:[0-9a-f]{64}/)
    expect(out).toContain("policy.yaml: valid, 1 supernode, 0 warnings")
    expect([code, err]).toEqual([0, ""])
  })

  it("validate prints the policy's maximum cost, in any 24 hours and in a calendar month", async () => {
    const { out } = await cliFixture().run("validate")
    const day =
      "any 24 hours: at most 2 purchases, 360000 CNY = 2 purchases (limits.actions: 2 per 1d) of 180000 CNY for 1 -> 4 servers"
    // Printed once for one supernode. With several, each supernode also has its own maximum.
    expect(out.split(day)).toHaveLength(2)
    const { out: two } = await cliFixture(TWO_SUPERNODES).run("validate")
    expect(two.match(/ {2}at worst +any 24 hours: /g)).toHaveLength(2)
    const last = out.slice(out.indexOf("Maximum cost"))
    expect(last).toContain(
      "a calendar month: at most 64 purchases, 1000000 CNY = limits.budget: 500000 CNY per 30d, 2 times in a month",
    )
    const bill = { day: { purchases: 2, spend: { amount: 360_000, currency: "CNY" } } }
    const { json } = await cliFixture().run("validate", "--json")
    expect(json()).toMatchObject({ worstCase: bill, supernodes: [{ worstCase: bill }] })
  })

  it("validate reports that the maximum cost is unknown without a budget and without a rung's price", async () => {
    const bare = POLICY.replace(/, budget: \{[^}]*\}/, "").replaceAll(/, price: \{[^}]*\}/g, "")
    const { out } = await cliFixture(bare).run("validate")
    expect(out).toContain("2 purchases for an UNKNOWN amount: no budget, and a rung without a price")
  })

  it("validate prints every problem with its position on stderr, and a count", async () => {
    const own = cliFixture()
    const bad = own.file(
      "bad.yaml",
      POLICY.replace("above: 85", "abov: 85").replace("servers: 48", "servers: 49"),
    )
    const { code, out, err } = await own.run("validate", bad)
    const lines = err.trimEnd().split("\n")
    for (const line of lines.slice(0, -1)) expect(line).toMatch(/^\S+bad\.yaml:\d+:\d+: \S+: .+/)
    expect(lines.at(-1)).toBe(`${bad}: ${lines.length - 1} problems; nothing can be bought with it`)
    expect([code, out]).toEqual([1, ""])
  })

  it("validate reports settings that are allowed but surprising as a warning, and still passes", async () => {
    const own = cliFixture(POLICY.replace("key_pair_name: KeyPair-42c4, ", ""))
    const { code, err } = await own.run("validate")
    expect(err).toMatch(
      /^warning: \S+policy\.yaml:\d+:\d+: supernodes\.0\.order.*key pairs \[no-key-pair\]\n$/,
    )
    expect(code).toBe(0)
  })

  it("validate fails on a warning under --strict, unless the policy silences it", async () => {
    const bare = POLICY.replace("key_pair_name: KeyPair-42c4, ", "")
    const loud = await cliFixture(bare).run("validate", "--strict")
    expect(loud.err).toMatch(/^error: .*\[no-key-pair\]\n$/)
    expect(loud.out).toContain("policy.yaml: not valid under --strict, 1 supernode, 1 warning")
    expect(loud.code).toBe(1)
    const quiet = await cliFixture(
      `${bare}silence: [ { warning: no-key-pair, reason: the image brings its own users } ]\n`,
    ).run("validate", "--strict", "--json")
    expect(quiet.json()).toMatchObject({
      valid: true,
      warnings: [],
      silenced: [{ id: "no-key-pair", reason: "the image brings its own users" }],
    })
    expect([quiet.code, quiet.err]).toEqual([0, ""])
  })

  it("validate shows the next starts of a cron expression that sets both day of month and day of week", async () => {
    const floor = '    schedules: [ { name: first, cron: "0 8 1-7 * 1", for: 10h, at_least: 4 } ]\n'
    const { err } = await cliFixture(`${POLICY}${floor}`).run("validate")
    expect(err).toContain(
      "a match of either is enough. The next starts: Mon 2024-01-15 08:00 +00:00 UTC (2024-01-15T08:00:00Z); Mon 2024-01-22",
    )
    expect(err).toContain("[cron-both-days]\n")
  })

  it("validate --json prints the effective policies and nothing else", async () => {
    const { code, json, err } = await cliFixture().run("validate", "--json")
    expect(json()).toMatchObject({
      valid: true,
      supernodes: [
        {
          name: "train-a",
          hash: expect.stringMatching(/^sha256:/),
          policy: { id: ID, cooldownMs: 3_600_000 },
        },
      ],
      warnings: [],
    })
    expect([code, err]).toEqual([0, ""])
  })

  it("validate --json prints problems as JSON on stdout, and as text on stderr", async () => {
    const { code, json, err } = await cliFixture(POLICY.replace("above: 85", "above: x")).run(
      "validate",
      "--json",
    )
    const where = { line: expect.any(Number), column: expect.any(Number), path: "supernodes.0.rules.0.above" }
    expect(json()).toMatchObject({ valid: false, error: { kind: "policy", problems: [where] } })
    expect(err).toContain("supernodes.0.rules.0.above")
    expect(code).toBe(1)
  })

  it("validate reads stdin for -, and names it in problems", async () => {
    const own = cliFixture()
    const valid = await own.runWith({ stdin: bytes(POLICY) }, "validate", "-")
    expect([valid.code, valid.out]).toEqual([0, expect.stringContaining("stdin: valid, 1 supernode")])
    const wrong = POLICY.replace("above: 85", "above: x")
    const { code, err } = await own.runWith({ stdin: bytes(wrong) }, "validate", "-")
    expect(err).toMatch(/^stdin:\d+:\d+: supernodes\.0\.rules\.0\.above: /m)
    expect(code).toBe(1)
  })

  it("validate never prints userdata", async () => {
    const own = cliFixture()
    for (const argv of [["validate"], ["validate", "--json"]]) {
      const { out, err } = await own.run(...argv)
      expect(out + err).not.toContain("secret-words")
    }
  })

  it("validate succeeds even if SUPERNODE_MODE and SUPERNODE_LEDGER are invalid", async () => {
    const own = cliFixture()
    Object.assign(own.env, { SUPERNODE_MODE: "lively", SUPERNODE_LEDGER: "redis://here" })
    expect((await own.run("validate")).code).toBe(0)
  })

  it("validate fails for a missing file", async () => {
    const { code, err } = await cliFixture().run("validate", "nowhere.yaml")
    expect(err).toContain("nowhere.yaml")
    expect(code).toBe(1)
  })
})
