import { describe, expect, it } from "vitest"
import { clockAt } from "../../world/clock.ts"
import { cliFixture, cloudFixture, ID, MINUTE, POLICY, START, TWO_SUPERNODES } from "../harness.ts"

const ALARM = "test/events/functiongraph-smn-cloud-eye-alarm.json"

/** The text of the row with this label. */
function row(out: string, label: string): string | undefined {
  return new RegExp(`^ {2}${label} +(.*)$`, "m").exec(out)?.[1]
}

describe("status", () => {
  it("status needs no cloud, no keys and no ledger, and reports that there is no ledger", async () => {
    const { code, out, err } = await cliFixture(POLICY, { withoutLedger: true }).run("status")
    expect(row(out, "mode")).toBe(
      "observe: decides and records, never buys (SUPERNODE_MODE is not live here)",
    )
    expect(row(out, "purchases")).toBe("0 of 2 in 1d, 2 left")
    expect(row(out, "budget")).toBe("0 CNY of 500000 CNY in 30d, 500000 CNY left")
    expect(row(out, "last")).toBe("no decision is on record")
    expect(err).toContain("there is no ledger at")
    expect(code).toBe(0)
  })

  it("status --watch prints the present state repeatedly until it is stopped", async () => {
    const own = cliFixture()
    let stop = (): void => undefined
    const stopped = new Promise<void>((resolve) => {
      stop = resolve
    })
    let rounds = 0
    const clock = {
      ...clockAt(START),
      wait: async () => {
        if (rounds++ === 0) await own.run("pause", "--why", "maintenance", "--by", "ops")
        else stop()
      },
    }
    const { code, out } = await own.runWith({ clock, untilStopped: () => stopped }, "status", "--watch")
    expect(code).toBe(0)
    expect([...out.matchAll(/^ {2}paused +(\w+)/gm)].map(([, shown]) => shown)).toEqual(["no", "everything"])
  })

  it("status shows a purchase in flight, its money and the end of the cooldown", async () => {
    const own = await cloudFixture()
    await own.run("run", "--event", ALARM)
    own.advance(2 * MINUTE)
    const { out } = await own.run("status", "train-a")
    expect(row(out, "mode")).toBe("live")
    expect(row(out, "in flight")).toMatch(
      /^ACCEPTED: 2 -> 4 servers, .*, opened 2024-01-12 16:52:00 \+00:00, 2 minutes ago, order CS\w+: it was accepted and is being provisioned$/,
    )
    expect(row(out, "cooldown")).toBe("until 2024-01-12 17:22:00 +00:00, in 28 minutes")
    expect(row(out, "purchases")).toBe("1 of 2 in 1d, 1 left")
    expect(row(out, "budget")).toBe("120000 CNY of 500000 CNY in 30d, 380000 CNY left")
    expect(row(out, "last")).toBe(
      "decided to scale up to 4 servers, 2024-01-12 16:52:00 +00:00, 2 minutes ago",
    )
    expect(row(out, "now")).toBe("a tick would hold (in-flight)")
    expect(out).toMatch(/^ +to continue: all ordered servers must be RUNNING$/m)
  })

  it("status shows servers, rung and the load of each rule, and that a live tick would buy", async () => {
    const own = await cloudFixture()
    const { out } = await own.run("status")
    expect(row(out, "servers")).toBe("2 servers: 2 RUNNING; the supernode is ACTIVE")
    expect(row(out, "rung")).toBe("2 of 3: kat3ne-16-400t.96xlarge.8.matrix")
    expect(row(out, "load")).toBe("95, 2 minutes ago; npu-busy: 5 of 5 points above 85 (3 needed)")
    expect(row(out, "now")).toBe(
      "nothing holds: a live tick would buy. To see what, run: supernode-autoscaler dry-run train-a",
    )
    own.sandbox.setLoad(12)
    own.advance(30 * MINUTE)
    const calm = (await own.run("status", "--json")).json()
    expect(calm).toMatchObject({
      supernodes: [
        {
          servers: { status: "ACTIVE", byStatus: { RUNNING: 2 }, count: 2 },
          rung: { number: 2, of: 3 },
          load: [
            { rule: "npu-busy", source: "cloud-eye", value: 12, verdict: "not-breaching", problem: null },
          ],
          unread: [],
          nextTick: { heldBy: "not-breaching" },
          wouldBuy: false,
        },
      ],
    })
  })

  it("status names each source that cannot be read, and the reason", async () => {
    const own = await cloudFixture()
    own.sandbox.failNext("metrics", { status: 403, code: "ces.0009", message: "no permission" }, 9)
    const { code, out } = await own.run("status")
    expect(row(out, "load")).toMatch(
      /^no data from cloud-eye; npu-busy: 0 of 5 points .*answered 403 ces\.0009/,
    )
    expect(row(out, "now")).toMatch(/^a tick would hold \(credentials\)/)
    expect(code).toBe(0)
  })

  it("status --no-cloud sends no request to the cloud", async () => {
    const own = await cloudFixture()
    const { out } = await own.run("status", "--no-cloud")
    expect(row(out, "servers")).toBe("not read, and neither was the load: --no-cloud was given")
    expect(row(out, "now")).toBe(
      "nothing known would make a run hold; the result depends on the servers, the load and the offers",
    )
    expect(own.sandbox.requests).toEqual([])
  })

  it("status shows pauses and holds with person, reason and end", async () => {
    const own = cliFixture()
    await own.run("pause", "--by", "night-shift", "--why", "maintenance", "--by", "ops", "--until", "2h")
    await own.run("hold", "--by", "night-shift", "train-a", "--why", "quiet please", "--until", "3h")
    const { out } = await own.run("status")
    expect(row(out, "paused")).toContain(
      "everything, by ops, 2024-01-12 16:52:00 +00:00, 0 seconds ago, until 2024-01-12 18:52:00 +00:00, in 2 hours: maintenance",
    )
    expect(row(out, "held")).toContain("by night-shift")
    own.advance(150 * MINUTE)
    const later = await own.run("status")
    expect([row(later.out, "paused"), row(later.out, "held")?.endsWith("quiet please")]).toEqual(["no", true])
  })

  it("status shows a breaker with the command that ends it", async () => {
    const own = await cloudFixture()
    own.sandbox.failNext("scale-up", {
      status: 401,
      code: "APIG.0301",
      message: "Incorrect IAM authentication information",
    })
    await own.run("run", "--event", ALARM)
    const { out } = await own.run("status")
    expect(row(out, "breaker")).toMatch(
      /^auth since .*: 401 APIG\.0301.* Fix the cause, then run: supernode-autoscaler reset train-a --why TEXT --by WHO$/,
    )
  })

  it("status shows the last order's outcome beside the decision, however many entries follow it", async () => {
    const own = await cloudFixture()
    own.sandbox.failNext("scale-up", { status: 400, code: "ModelArts.6335", message: "no such image" })
    await own.run("run", "--event", ALARM)
    for (let i = 0; i < 60; i++) await own.run("pause", "train-a", "--by", "ops", "--why", `check ${i}`)
    const { out } = await own.run("status", "--no-cloud")
    expect(row(out, "last")).toMatch(/^decided to scale up to 4 servers/)
    expect(row(out, "order")).toMatch(/^REJECTED: refused \(invalid\), nothing was bought: HTTP 400/)
  })

  it("status shows that a purchase did not help, with the command that lets rules buy again", async () => {
    const own = await cloudFixture({}, `${POLICY}    efficacy: { purchases: 1, min_gain: 5 }\n`)
    const tick = (time: string) => own.run("run", "--event", own.file("tick.json", { kind: "tick", time }))
    expect(row((await own.run("status")).out, "efficacy")).toBe("0 of 1 purchases by rules are complete")
    await own.run("run", "--event", ALARM)
    own.advance(6 * MINUTE)
    await tick("2024-01-12T16:58:00Z")
    expect(row((await own.run("status")).out, "efficacy")).toBe(
      "the last purchase moved npu-busy by a still unknown amount (to be measured after 2024-01-12 17:41:00 +00:00); at least 5 is required. Automatic purchases wait until the effect can be measured, after 2024-01-12 17:41:00 +00:00",
    )
    own.advance(64 * MINUTE)
    await tick("2024-01-12T18:02:00Z")
    const { out } = await own.run("status", "--no-cloud")
    expect(row(out, "efficacy")).toBe(
      "the last purchase moved npu-busy by 0; at least 5 is required. Automatic purchases stop until an operator runs the command `reset`. To continue, run: supernode-autoscaler reset train-a --why TEXT --by WHO",
    )
    expect(row(out, "now")).toBe("a tick would hold (efficacy)")
    const { out: said } = await own.run("reset", "train-a", "--why", "data was late", "--by", "ops")
    expect(said).toContain("efficacy starts again: the gains of past purchases are forgotten")
    expect(row((await own.run("status")).out, "efficacy")).toBe("0 of 1 purchases by rules are complete")
  })

  it("status shows how long purchases wait after the cloud throttled an order", async () => {
    const own = await cloudFixture()
    own.sandbox.failNext("scale-up", { throttle: 300 })
    await own.run("run", "--event", ALARM)
    expect(row((await own.run("status")).out, "back-off")).toBe(
      "until 2024-01-12 16:57:00 +00:00, in 5 minutes, because the cloud throttled the purchase",
    )
    own.advance(6 * MINUTE)
    expect(row((await own.run("status")).out, "back-off")).toBeUndefined()
  })

  it.each([
    [
      "a flavor without capacity",
      "ModelArts.6329",
      "blocked",
      /kat3ne-32.* was refused for capacity, until 2024-01-12 16:57:00 \+00:00, in 5 minutes/,
    ],
    [
      "a rule whose order was invalid",
      "ModelArts.6323",
      "rules off",
      /^npu-busy: .* change the policy, or run: supernode-autoscaler reset train-a --why TEXT --by WHO$/,
    ],
  ])("status shows %s until its hold is over or reset", async (_case, code, label, says) => {
    const own = await cloudFixture()
    own.sandbox.failNext("scale-up", { status: 400, code, message: "no" })
    await own.run("run", "--event", ALARM)
    expect(row((await own.run("status")).out, label)).toMatch(says)
    const { out } = await own.run("reset", "train-a", "--why", "x", "--by", "ops")
    expect(out).toMatch(/no longer blocked|is on again/)
    expect(row((await own.run("status")).out, label)).toBeUndefined()
  })

  it("status reports that a new policy only observes", async () => {
    const own = await cloudFixture({}, `${POLICY}    arm_after: 24h\n`)
    expect(row((await own.run("status")).out, "mode")).toContain("counted from its first recorded run")
    await own.run("run", "--event", ALARM)
    expect(row((await own.run("status")).out, "mode")).toBe(
      "live, but this policy is new: it only observes until 2024-01-13 16:52:00 +00:00, in 1 day",
    )
  })

  it("status --json prints instants and amounts", async () => {
    const own = await cloudFixture()
    await own.run("run", "--event", ALARM)
    const { json, err } = await own.run("status", "--json")
    const attempt = { state: "accepted", from: 2, to: 4, cost: { amount: 120_000, currency: "CNY" } }
    expect(json()).toMatchObject({
      supernodes: [
        {
          name: "train-a",
          id: ID,
          mode: "live",
          paused: null,
          attempt,
          cooldownUntil: Date.parse("2024-01-12T17:22:00Z"),
          purchases: { used: 1, allowed: 2, left: 1 },
          budget: { left: { amount: 380_000, currency: "CNY" } },
          lastDecision: { kind: "scale-up", to: 4 },
          nextTick: { heldBy: "in-flight", nearest: "all ordered servers must be RUNNING" },
          entries: 2,
        },
      ],
    })
    expect(err).toBe("")
  })

  it("status shows one named supernode, or all supernodes", async () => {
    const own = cliFixture(TWO_SUPERNODES)
    expect((await own.run("status")).out.match(/^train-\w/gm)).toEqual(["train-a", "train-b"])
    expect((await own.run("status", "train-b")).out.match(/^train-\w/gm)).toEqual(["train-b"])
    expect((await own.run("status", ID)).out.match(/^train-\w/gm)).toEqual(["train-a"])
  })

  it("status shows nothing if the ledger cannot be trusted", async () => {
    const own = await cloudFixture()
    await own.run("run", "--event", ALARM)
    own.spoil(ID)
    const { code, err } = await own.run("status")
    expect(err).toContain("cannot be trusted")
    expect(code).toBe(1)
  })
})
