import { existsSync } from "node:fs"
import { describe, expect, it } from "vitest"
import type { RunResult } from "../../../lib/run/result.ts"
import { cliFixture, cloudFixture, MINUTE, POLICY, TWO_SUPERNODES } from "../harness.ts"

const ALARM = "test/events/functiongraph-smn-cloud-eye-alarm.json"

function resultsOf(ran: { json(): unknown }): RunResult[] {
  return (ran.json() as { results: RunResult[] }).results
}

describe("dry-run", () => {
  it("dry-run prints the decision, every gate with its numbers, and the exact request", async () => {
    const own = await cloudFixture()
    const { code, out } = await own.run("dry-run", "train-a", "-v")
    const [first] = out.split("\n")
    expect(first).toBe(
      "train-a: would buy from 2 to 4 servers, flavor kat3ne-32-800t.192xlarge.8.matrix, for 120000 CNY",
    )
    expect(out).toMatch(/✓ +evidence +npu-busy: 5 of 5 points above 85 \(3 needed\)/)
    expect(out.match(/^ {2}✓/gm)).toHaveLength(20)
    expect(out).toContain(
      `request: POST ${own.sandbox.url}/v1/0123456789abcdef0123456789abcdef/dev-servers/hyperinstance/`,
    )
    expect(out).toContain('"image_id": "f4059eb4-c2f5-46a8-9b33-6cbed5d3fc81"')
    expect(out).not.toContain("secret-words")
    expect(code).toBe(0)
    const folded = await own.run("dry-run", "train-a")
    expect(folded.out.match(/^ {2}✓.*/gm)).toEqual([
      "  ✓  19 of 20 gates passed; -v shows them",
      "  ✓  evidence  npu-busy: 5 of 5 points above 85 (3 needed)",
    ])
  })

  it("dry-run prints the first reason of a hold in its first line, and marks failed and skipped gates", async () => {
    const own = await cloudFixture()
    own.sandbox.setLoad(20)
    const { code, out } = await own.run("dry-run", "train-a")
    expect(out).toMatch(/^train-a: would hold \(not-breaching\): npu-busy: /)
    expect(out).toMatch(/✗ +evidence/)
    expect(out).toMatch(/^ +to continue: wait for 3 more points of npu-busy above 85$/m)
    expect(out).toMatch(/· +offer-available +not evaluated: /)
    expect(code).toBe(0)
  })

  it("dry-run places no order and creates no ledger", async () => {
    const own = await cloudFixture({}, POLICY, { withoutLedger: true })
    const { err } = await own.run("dry-run", "train-a")
    expect(err).toContain("there is no ledger at")
    expect(existsSync(own.ledgerPath)).toBe(false)
    expect(own.sandbox.scaleUps).toHaveLength(0)
  })

  it("dry-run adds nothing to an existing ledger", async () => {
    const own = await cloudFixture()
    await own.run("pause", "--by", "night-shift", "--why", "x")
    await own.run("dry-run", "train-a")
    const { out } = await own.run("audit", "list")
    expect(out.trimEnd().split("\n")).toHaveLength(3)
  })

  it("dry-run --json prints one result that includes the decision and the plan", async () => {
    const own = await cloudFixture()
    const ran = await own.run("dry-run", "train-a", "--servers", "4", "--json")
    const [result, ...others] = resultsOf(ran)
    expect(others).toEqual([])
    expect(result).toMatchObject({
      supernode: "train-a",
      mode: "dry-run",
      decision: { kind: "scale-up", heldBy: null },
      plan: { from: 2, to: 4 },
    })
    expect(result).not.toHaveProperty("entry")
    expect(result?.decision.findings.find(({ gate }) => gate === "evidence")?.says).toContain(
      "night-shift requested 4 servers",
    )
    expect(ran.out).not.toContain("secret-words")
  })

  it("dry-run shows the result of an event, and holds as duplicate if run has already handled that event", async () => {
    const own = await cloudFixture()
    const before = await own.run("dry-run", "train-a", "--event", ALARM)
    expect(before.out).toMatch(/^train-a: would buy/)
    await own.run("run", "--event", ALARM)
    const after = await own.run("dry-run", "train-a", "--event", ALARM)
    expect(after.out).toMatch(/^train-a: would hold \(duplicate\)/)
    expect(after.out).toContain("was accepted and is being provisioned")
    expect(own.sandbox.scaleUps).toHaveLength(1)
  })

  it("dry-run does not buy even for an event that asks to buy", async () => {
    const own = await cloudFixture()
    const [planned] = resultsOf(await own.run("dry-run", "train-a", "--servers", "4", "--json"))
    const request = {
      supernode: "train-a",
      mode: "live",
      servers: 4,
      requestedBy: "ops",
      why: "x",
      planHash: planned?.plan?.hash,
    }
    const { out } = await own.run("dry-run", "train-a", "--event", own.file("request.json", request))
    expect(out).toMatch(/^train-a: would buy/)
    expect(own.sandbox.scaleUps).toHaveLength(0)
  })

  it("dry-run evaluates the named supernode only", async () => {
    const own = await cloudFixture({}, TWO_SUPERNODES)
    expect(
      resultsOf(await own.run("dry-run", "train-b", "--json")).map(({ supernode }) => supernode),
    ).toEqual(["train-b"])
    const elsewhere = await own.run(
      "dry-run",
      "train-b",
      "--event",
      own.file("request.json", { supernode: "train-a", requestedBy: "ops", why: "x" }),
      "--json",
    )
    expect(resultsOf(elsewhere)).toEqual([])
    expect(elsewhere.err).toContain("the event does not concern train-b")
  })

  it("dry-run warns that the printed line would not buy in observe mode", async () => {
    const own = await cloudFixture()
    Object.assign(own.env, { SUPERNODE_MODE: undefined })
    expect((await own.run("dry-run", "train-a")).out).toContain(
      "(SUPERNODE_MODE is not live here, so it would only be recorded)",
    )
  })

  it("dry-run shows when a new policy is armed, as text and as JSON, even if the run would hold", async () => {
    const own = await cloudFixture({}, `${POLICY}    arm_after: 24h\n`)
    await own.run("run", "--event", ALARM)
    own.sandbox.setLoad(10)
    const { out } = await own.run("dry-run", "train-a")
    expect(out).toMatch(/^train-a: would hold \(not-breaching\)/)
    expect(out).toContain("\nthe policy is new: until 2024-01-13 16:52:00 +00:00 runs only observe\n")
    expect((await own.run("dry-run", "train-a", "--json")).json()).toMatchObject({
      armingUntil: Date.parse("2024-01-13T16:52:00Z"),
    })
  })

  it("dry-run warns that the printed line would not buy with a policy that is not armed", async () => {
    const own = await cloudFixture({}, `${POLICY}    arm_after: 24h\n`)
    expect((await own.run("dry-run", "train-a")).out).toContain(
      "the policy is new: runs only observe for arm_after",
    )
    await own.run("run", "--event", own.file("tick.json", { kind: "tick", time: "2024-01-12T16:52:00Z" }))
    expect((await own.run("dry-run", "train-a")).out).toContain(
      "the policy is new: until 2024-01-13 16:52:00 +00:00 runs only observe",
    )
    own.advance(24 * 60 * MINUTE)
    expect((await own.run("dry-run", "train-a")).out).not.toContain("the policy is new")
  })

  it("dry-run names the known supernodes if its argument is not a known supernode", async () => {
    const { code, err } = await cliFixture(TWO_SUPERNODES).run("dry-run", "trian-a")
    expect(err).toBe(
      'error: no supernode is named "trian-a" in the policy; did you mean train-a? Known: train-a, train-b\n',
    )
    expect(code).toBe(1)
  })

  it("dry-run exits 1 and names the environment variables to set if the keys of the cloud are missing", async () => {
    const { code, err } = await cliFixture().run("dry-run", "train-a")
    expect(err).toContain("error: no credentials: set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK")
    expect(code).toBe(1)
  })

  it("dry-run holds and prints the reason if the cloud cannot be read", async () => {
    const own = await cloudFixture()
    own.sandbox.failNext("supernode", { status: 400 }, 100)
    const { code, out } = await own.run("dry-run", "train-a")
    expect(out).toMatch(/^train-a: would hold \(supernode-unreadable\): the supernode could not be read: /)
    expect(code).toBe(0)
  })

  it("dry-run refuses an HTTP request as its event", async () => {
    const own = await cloudFixture()
    const { code, err } = await own.run(
      "dry-run",
      "train-a",
      "--event",
      "test/events/function-url-alertmanager.json",
    )
    expect(err).toContain("is an HTTP request")
    expect(code).toBe(1)
  })
})
