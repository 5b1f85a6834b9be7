import { describe, expect, it } from "vitest"
import { CONTROL_STREAM, controlOf } from "../../../lib/ledger/next-entry.ts"
import type { RunResult } from "../../../lib/run/result.ts"
import { type CloudFixture, cliFixture, cloudFixture, MINUTE, POLICY, STREAM } from "../harness.ts"

const ALARM = "test/events/functiongraph-smn-cloud-eye-alarm.json"
const HASH = `sha256:${"a".repeat(64)}`
const WANTED = `${POLICY}    approval: { above: { amount: 1000, currency: CNY }, approvers: 2, expires: 4h }\napprovers: [ { name: Ann }, { name: bob }, { name: carl }, { name: dora }, { name: boss } ]\n`

/** A command line on which an alarm's plan waits for approval, with that plan's hash. */
async function waiting(): Promise<{ own: CloudFixture; hash: string }> {
  const own = await cloudFixture({}, WANTED)
  await own.run("run", "--event", ALARM)
  const hash = await own.ledger(async (ledger) => (await ledger.head(STREAM))?.plan?.hash)
  return { own, hash: hash ?? "" }
}

const tick = (own: CloudFixture, time: string) =>
  own.run("run", "--event", own.file("tick.json", { kind: "tick", time }))

/** Sends Ann's request to buy the plan with that hash. */
function askAsAnn(own: CloudFixture, asked: { planHash: string; id?: string }) {
  const request = { supernode: "train-a", mode: "live", servers: 4, requestedBy: "Ann", why: "launch" }
  return own.run("run", "--event", own.file("request.json", { ...request, ...asked }))
}

describe("approve", () => {
  it("approve prints the plan, the approvals still needed and their expiry, and the next tick buys", async () => {
    const { own, hash } = await waiting()
    const first = await own.run("approve", hash, "--by", "ann")
    expect(first.out).toMatch(
      /^this is train-a from 2 to 4 servers, flavor kat3ne-32-800t\.192xlarge\.8\.matrix, for 120000 CNY: http:/,
    )
    expect(first.out).toContain(
      "approved by ann: 1 of 2 needed\nthe first of these expires 2024-01-12 20:52:00 +00:00",
    )
    expect([first.code, first.err]).toEqual([0, ""])
    expect((await tick(own, "2024-01-12T16:52:00Z")).out).toMatch(/^train-a: held \(approval-needed\)/)
    const second = await own.run("approve", hash, "--by", "bob")
    expect(second.out).toContain("approved by ann, bob: 2 of 2 needed")
    expect(second.out).toContain("\nthe next tick buys\n")
    own.advance(MINUTE)
    expect((await tick(own, "2024-01-12T16:53:00Z")).out).toMatch(/^train-a: bought from 2 to 4 servers/)
    expect(own.sandbox.scaleUps).toHaveLength(1)
  })

  it("approve counts one person once, in any spelling of the name", async () => {
    const { own, hash } = await waiting()
    await own.run("approve", hash, "--by", "Ann")
    expect((await own.run("approve", hash, "--by", " ann ")).out).toContain("approved by Ann: 1 of 2 needed")
  })

  it("approve counts only approvals that have not expired and are not used up", async () => {
    const { own, hash } = await waiting()
    await own.run("approve", hash, "--by", "ann")
    own.advance(4 * 60 * MINUTE)
    expect((await own.run("approve", hash, "--by", "bob")).out).toContain("approved by bob: 1 of 2 needed")
    await own.run("approve", hash, "--by", "carl")
    expect((await tick(own, "2024-01-12T20:52:00Z")).out).toMatch(/^train-a: bought/)
    own.advance(MINUTE)
    const late = await own.run("approve", hash, "--by", "dora")
    expect(late.err).toContain("warning: no supernode waits for this plan now")
    expect(late.out).toContain("approved by dora: 1 of 2 needed")
  })

  it("approve refuses a person whom the policy does not list, writes nothing, and names the approvers", async () => {
    const { own, hash } = await waiting()
    const { code, out, err } = await own.run("approve", hash, "--by", "eve")
    expect(err).toContain(
      "eve is not listed under approvers in the policy, so nothing was recorded. Listed: Ann, bob, carl, dora, boss",
    )
    expect(out).not.toContain("on record")
    expect(code).toBe(1)
    expect((await own.ledger((ledger) => ledger.head(CONTROL_STREAM)))?.said?.verb).toBe("init")
  })

  it("approve accepts the beginning of a waiting plan's hash, with or without the prefix sha256:", async () => {
    const { own, hash } = await waiting()
    await own.run("approve", hash.slice(0, "sha256:".length + 12), "--by", "ann")
    await own.run("approve", hash.slice("sha256:".length, 40), "--by", "bob")
    const control = await own.ledger(async (ledger) => controlOf(await ledger.head(CONTROL_STREAM)))
    expect(control.approvals).toMatchObject([{ planHash: hash }, { planHash: hash }])
  })

  it("approve refuses the beginning of a hash if no plan with such a hash waits for approval", async () => {
    const { own, hash } = await waiting()
    own.sandbox.setLoad(10)
    await tick(own, "2024-01-12T16:52:00Z")
    const { code, err } = await own.run("approve", hash.slice(0, 30), "--by", "ann")
    expect(err).toContain("no plan that waits has a hash that begins with")
    expect(code).toBe(1)
    expect(await own.ledger((ledger) => ledger.head(CONTROL_STREAM))).toMatchObject({ seq: 1 })
  })

  it("approve warns if no supernode waits for the plan any more, and still records the approval", async () => {
    const { own, hash } = await waiting()
    own.sandbox.setLoad(10)
    await tick(own, "2024-01-12T16:52:00Z")
    const { code, out, err } = await own.run("approve", hash, "--by", "ann")
    expect(err).toContain(
      "warning: no supernode waits for this plan now; it counts only if a run plans exactly this again",
    )
    expect(out).toContain("this is train-a from 2 to 4 servers")
    expect(code).toBe(0)
  })

  it("approve warns if no run recorded the plan, still records each approval, and lists each approver once", async () => {
    const own = cliFixture()
    await own.run("approve", HASH, "--by", "boss")
    await own.run("approve", HASH, "--by", "boss")
    const { code, out, err } = await own.run("approve", HASH, "--by", "cfo")
    expect(err).toContain("warning: no recent run recorded a plan with this hash")
    expect(out).toContain("approved by boss, cfo;")
    const control = await own.ledger(async (ledger) => controlOf(await ledger.head(CONTROL_STREAM)))
    expect(control.approvals).toHaveLength(3)
    expect(code).toBe(0)
  })

  it("approve works with a broken policy, but does not print how many approvals are needed", async () => {
    const { own, hash } = await waiting()
    own.env["SUPERNODE_POLICY"] = own.file("broken.yaml", "version: [")
    const { code, out } = await own.run("approve", hash, "--by", "ann")
    expect(out).toContain("approved by ann; the policy (approval) states how many are needed")
    expect(code).toBe(0)
  })

  it("approve says that an expired request needs a new id, under which the request can then buy", async () => {
    const own = await cloudFixture({}, WANTED)
    const shown = await own.run("dry-run", "train-a", "--servers", "4", "--json")
    const planHash = (shown.json() as { results: RunResult[] }).results[0]?.plan?.hash ?? ""
    const ask = (id: string) => askAsAnn(own, { planHash, id })
    await ask("first")
    own.advance(5 * 60 * MINUTE)
    await own.run("approve", planHash, "--by", "bob")
    const { out } = await own.run("approve", planHash, "--by", "carl")
    expect(out).toContain(
      "the request of Ann could be repeated until 2024-01-12 20:52:00 +00:00. To buy, send it with a new id",
    )
    expect((await ask("first")).out).toMatch(/^train-a: held \(stale\)/)
    expect((await ask("second")).out).toMatch(/^train-a: bought from 2 to 4 servers/)
  })

  it("approve does not count a requester's own approval; after another person approves, the repeated request buys", async () => {
    const own = await cloudFixture({}, WANTED)
    const shown = await own.run("dry-run", "train-a", "--servers", "4", "--json")
    const planHash = (shown.json() as { results: RunResult[] }).results[0]?.plan?.hash ?? ""
    const ask = () => askAsAnn(own, { planHash })
    expect((await ask()).out).toMatch(/^train-a: held \(approval-needed\)/)
    const own1 = await own.run("approve", planHash, "--by", "ann")
    expect(own1.err).toContain("warning: Ann requested this plan and cannot approve it")
    expect(own1.out).toContain("approved by no listed approver: 0 of 2 needed")
    await own.run("approve", planHash, "--by", "bob")
    const { out } = await own.run("approve", planHash, "--by", "carl")
    expect(out).toContain("approved by bob, carl: 2 of 2 needed")
    expect(out).toContain("Ann must send the same request again")
    own.advance(MINUTE)
    expect((await ask()).out).toMatch(/^train-a: bought from 2 to 4 servers/)
  })
})
