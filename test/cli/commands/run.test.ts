import { existsSync } from "node:fs"
import { describe, expect, it } from "vitest"
import type { RunResult } from "../../../lib/run/result.ts"
import {
  bytes,
  type CloudFixture,
  cliFixture,
  cloudFixture,
  ID,
  POLICY,
  STREAM,
  TWO_SUPERNODES,
} from "../harness.ts"

const ALARM = "test/events/functiongraph-smn-cloud-eye-alarm.json"
const TICK = { kind: "tick", time: "2024-01-12T16:52:00Z" }

function resultsOf(ran: { json(): unknown }): RunResult[] {
  return (ran.json() as { results: RunResult[] }).results
}

async function liveRequest(own: CloudFixture): Promise<object> {
  const [planned] = resultsOf(await own.run("dry-run", "train-a", "--servers", "4", "--json"))
  return {
    supernode: "train-a",
    mode: "live",
    servers: 4,
    requestedBy: "ops",
    why: "x",
    planHash: planned?.plan?.hash,
  }
}

describe("run", () => {
  it("run handles an alarm as the deployed functions do: it places one order and prints the ledger entry", async () => {
    const own = await cloudFixture()
    const { code, out, err } = await own.run("run", "--event", ALARM)
    expect(out).toMatch(/^train-a: bought from 2 to 4 servers/)
    expect(out).toMatch(/ACCEPTED: the cloud accepted the order, CS\w+; it may await payment \(HTTP 200\)/)
    expect(out).toContain(`on record: ${STREAM} #2`)
    expect(own.sandbox.scaleUps).toHaveLength(1)
    expect([code, err]).toEqual([0, ""])
  })

  it("run buys nothing for the same event again, and prints the first delivery's result", async () => {
    const own = await cloudFixture()
    await own.run("run", "--event", ALARM)
    const { code, out } = await own.run("run", "--event", ALARM)
    expect(out).toMatch(/^train-a: held \(duplicate\)/)
    expect(out).toContain("result of the first delivery: ACCEPTED")
    expect(own.sandbox.scaleUps).toHaveLength(1)
    expect(code).toBe(0)
  })

  it("run buys nothing in observe mode, which is the default", async () => {
    const own = await cloudFixture()
    Object.assign(own.env, { SUPERNODE_MODE: undefined })
    const { code, out } = await own.run("run", "--event", ALARM)
    expect(out).toMatch(/^train-a: would buy .*\n {2}NOT BOUGHT: SUPERNODE_MODE is not live, so runs decide/)
    expect(own.sandbox.scaleUps).toHaveLength(0)
    expect(code).toBe(0)
  })

  it("run only records a person's live request under a policy that is not armed, and warns", async () => {
    const own = await cloudFixture({}, `${POLICY}    arm_after: 24h\n`)
    const request = own.file("request.json", await liveRequest(own))
    const { out } = await own.run("run", "--event", request)
    expect(out).toMatch(
      /^train-a: would buy .*\n {2}NOT BOUGHT: this policy is new\. Until 2024-01-13 16:52:00 \+00:00, runs only decide/,
    )
    const [result] = resultsOf(await own.run("run", "--event", own.file("t.json", TICK), "--json"))
    expect(result).toMatchObject({ mode: "observe", observed: expect.stringContaining("arm_after is 1d") })
    expect(own.sandbox.scaleUps).toHaveLength(0)
  })

  it("run exits 0 on a hold, and prints the reason", async () => {
    const own = await cloudFixture()
    await own.run("pause", "--by", "night-shift", "--why", "maintenance", "--by", "ops")
    const { code, out } = await own.run("run", "--event", ALARM)
    expect(out).toMatch(/^train-a: held \(paused\): all supernodes are paused: by ops/)
    expect(own.sandbox.scaleUps).toHaveLength(0)
    expect(code).toBe(0)
  })

  it("run warns of an unknown outcome, with the command that settles it", async () => {
    const own = await cloudFixture()
    own.sandbox.failNext("scale-up", { reset: "after-effect" })
    const { code, out } = await own.run("run", "--event", ALARM)
    expect(out).toContain("UNKNOWN: ")
    expect(out).toContain("supernode-autoscaler settle train-a --as accepted|completed|absent")
    expect(code).toBe(5)
  })

  it("run reports that a refused order bought nothing", async () => {
    const own = await cloudFixture()
    own.sandbox.failNext("scale-up", { throttle: 30 })
    const { code, out } = await own.run("run", "--event", ALARM)
    expect(out).toContain("REJECTED: refused (throttle), nothing was bought: HTTP 429 APIG.0308")
    expect(code).toBe(4)
  })

  it("run reads an event from stdin, and prints its result with --json", async () => {
    const own = await cloudFixture()
    const request = JSON.stringify(await liveRequest(own))
    const ran = await own.runWith({ stdin: bytes(`\uFEFF${request}`) }, "run", "--event", "-", "--json")
    expect(resultsOf(ran)).toMatchObject([
      {
        supernode: "train-a",
        mode: "live",
        outcome: { kind: "accepted" },
        entry: { stream: STREAM, seq: 2 },
      },
    ])
    expect(ran.out).not.toContain("secret-words")
  })

  it("run does not buy if a person's request does not say live", async () => {
    const own = await cloudFixture({}, POLICY, { withoutLedger: true })
    const { out } = await own.run(
      "run",
      "--event",
      own.file("r.json", { supernode: "train-a", servers: 4, requestedBy: "ops", why: "x" }),
    )
    expect(out).toMatch(/^train-a: would buy/)
    expect(own.sandbox.scaleUps).toHaveLength(0)
    expect(existsSync(own.ledgerPath)).toBe(false)
  })

  it("run sends a tick to every supernode, and prints a result for each supernode", async () => {
    const own = await cloudFixture({}, TWO_SUPERNODES)
    const { code, out } = await own.run("run", "--event", own.file("tick.json", TICK))
    expect(out).toMatch(/^train-a: bought/m)
    expect(out).toMatch(/^train-b: held \(supernode-unreadable\)/m)
    expect(code).toBe(0)
  })

  it("run warns of an alarm that no supernode lists", async () => {
    const own = await cloudFixture()
    const { code, err } = await own.run("run", "--event", "test/events/eventbridge-cloudwatch-alarm.json")
    expect(err).toMatch(/no supernode lists the .+ under `alarms`/)
    expect(code).toBe(0)
  })

  it("run recognizes a gateway's HTTP request, and fails if an HTTP endpoint would refuse the request", async () => {
    const own = await cloudFixture()
    const { code, err } = await own.run("run", "--event", "test/events/function-url-alertmanager.json")
    expect(err).toContain("error: an HTTP endpoint would respond with 401")
    expect(code).toBe(1)
  })

  it("run prints a notice after a stop signal, and finishes its purchase first", async () => {
    const own = await cloudFixture()
    const { code, out, err } = await own.runWith(
      { untilStopped: async () => undefined },
      "run",
      "--event",
      ALARM,
    )
    expect(err).toContain("finishing first: a purchase may be in progress")
    expect(out).toContain("ACCEPTED")
    expect(code).toBe(0)
  })
})

describe("run with an invalid input", () => {
  it.each([
    ["text that is not JSON", "hello", "is not JSON: Unexpected token"],
    ["nothing", "", "is not JSON: it is empty"],
    ["a list", "[]", "the event is a list, not an object"],
    ["an unknown shape", '{"a":1}', "has an unknown format"],
    ["10 MB", " ".repeat(10_000_000), "larger than 6 MB"],
    ["brackets 100,000 deep", `${"[".repeat(100_000)}${"]".repeat(100_000)}`, "the event"],
    ["objects 30 deep", `${'{"a":'.repeat(30)}1${"}".repeat(30)}`, "nests deeper than 20 levels"],
    [
      "a request with a misspelt key",
      '{"supernode":"train-a","requestedBy":"x","why":"y","serverz":4}',
      "serverz",
    ],
    [
      "a live request without the plan that was shown",
      '{"supernode":"train-a","requestedBy":"x","why":"y","mode":"live"}',
      "planHash: is missing",
    ],
    [
      "a request for an unknown supernode",
      '{"supernode":"trian-a","requestedBy":"x","why":"y"}',
      'did you mean "train-a"?',
    ],
  ])("run with an invalid event buys nothing and prints the reason: %s", async (_what, text, says) => {
    const own = await cloudFixture()
    const { code, out, err } = await own.runWith({ stdin: bytes(text) }, "run", "--event", "-")
    expect(err).toContain(says)
    expect(err.length).toBeLessThan(2_000)
    expect([code, out]).toEqual([1, ""])
    expect(own.sandbox.requests).toHaveLength(0)
  })

  it("run refuses a missing event file", async () => {
    const { code, err } = await cliFixture().run("run", "--event", "nowhere.json")
    expect(err).toContain("the event from nowhere.json cannot be read: no such file")
    expect(code).toBe(1)
  })

  it("run fails if the keys of the cloud are missing", async () => {
    const { code, err } = await cliFixture().run("run", "--event", ALARM)
    expect(err).toContain("error: no credentials")
    expect(code).toBe(1)
  })

  it("run fails without a readable ledger, and buys nothing", async () => {
    const own = await cloudFixture()
    const { code, err } = await own.run(
      "run",
      "--event",
      ALARM,
      "--ledger",
      `sqlite:${own.file("notes.txt", "no database, ".repeat(50))}`,
    )
    expect(err).toContain("is not a SQLite database")
    expect(code).toBe(1)
    expect(own.sandbox.scaleUps).toHaveLength(0)
  })

  it("run keeps the other supernodes' results if the run of one supernode fails", async () => {
    const own = await cloudFixture({}, TWO_SUPERNODES)
    await own.run("run", "--event", own.file("tick.json", TICK))
    own.spoil(ID)
    const ran = await own.run(
      "run",
      "--event",
      own.file("tick.json", { ...TICK, time: "2024-01-12T16:52:30Z" }),
      "--json",
    )
    expect(resultsOf(ran).map(({ supernode }) => supernode)).toEqual(["train-b"])
    expect(ran.err).toContain("cannot be trusted")
    expect(ran.code).toBe(1)
  })
})
