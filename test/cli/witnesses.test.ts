import { describe, expect, it } from "vitest"
import { stateOf } from "../../lib/ledger/next-entry.ts"
import type { Failure } from "../../lib/sandbox/failures.ts"
import { type CloudFixture, cloudFixture, MINUTE, POLICY, STREAM } from "./harness.ts"

// Independent sources about an order whose response was lost, as the person on call sees them.

const ALARM = "test/events/functiongraph-smn-cloud-eye-alarm.json"
const SAID = ["--why", "seen in the console", "--by", "ops"]
const NOTHING = /That proves nothing: a trace can appear late, CTS may not be enabled in this region/

/** An order whose response was lost, after the cloud accepted it or before. */
async function incident(
  reset: "before-effect" | "after-effect",
  { policy }: { policy?: string } = {},
): Promise<CloudFixture> {
  const own = await cloudFixture({}, policy)
  own.env["SUPERNODE_CTS_ENDPOINT"] = own.sandbox.url
  own.sandbox.failNext("scale-up", { reset })
  expect((await own.run("run", "--event", ALARM)).code).toBe(5)
  return own
}

let ticks = 0
async function tick(own: CloudFixture, ms = 5 * MINUTE) {
  own.advance(ms)
  ticks += 1
  const time = new Date(own.sandbox.now()).toISOString()
  return own.run("run", "--event", own.file(`tick-${ticks}.json`, { kind: "tick", time }))
}

const asked = (own: CloudFixture) => own.sandbox.requests.filter(({ operation }) => operation === "traces")
const stateNow = (own: CloudFixture) => own.ledger(async (ledger) => stateOf(await ledger.head(STREAM)))

/** The text of one row of `status` or `settle`. */
function row(out: string, label: string): string {
  return new RegExp(`^ {2}${label} +(.*)$`, "m").exec(out)?.[1] ?? "none"
}

async function settled(own: CloudFixture, as: string) {
  return own.run("settle", "train-a", "--as", as, ...SAID)
}

describe("while an outcome is unknown", () => {
  it("a tick finds a CTS trace that arrives late, and status says that the trace supports settling as accepted", async () => {
    const own = await incident("after-effect")
    expect(row((await own.run("status")).out, "traces")).toMatch(NOTHING)
    await tick(own)
    const { out } = await own.run("status")
    expect(row(out, "traces")).toMatch(
      /^CTS shows 1 scale-up since 2024-01-12 16:52:00 \+00:00: 2024-01-12 16:52:00 \+00:00, by sandbox, response 200, kat3ne-32-800t\.192xlarge\.8\.matrix\. This supports "accepted"$/,
    )
    expect(row(out, "witness")).toMatch(/^2 before, 4 now, 2 of them new \(.+, order CS\w+\)\. This supports/)
    const { json } = await own.run("status", "--json")
    expect(json()).toMatchObject({
      supernodes: [{ witness: { servers: { added: 2 }, traces: { kind: "read", count: 1 } } }],
    })
  })

  it("ticks stop reading CTS once CTS showed the attempt's trace, and then write no entry", async () => {
    const own = await incident("after-effect")
    await tick(own)
    const { length } = asked(own)
    const { seq } = (await own.ledger((ledger) => ledger.head(STREAM))) ?? { seq: 0 }
    await tick(own)
    await tick(own)
    expect([asked(own).length, (await own.ledger((ledger) => ledger.head(STREAM)))?.seq]).toEqual([
      length,
      seq,
    ])
    expect((await own.run("audit", "verify")).code).toBe(0)
  })

  it("CTS is read with the documented parameters, from a minute before the attempt", async () => {
    const own = await incident("after-effect")
    const { search } = new URL(asked(own)[0]?.url ?? "", own.sandbox.url)
    expect(Object.fromEntries(new URLSearchParams(search))).toEqual({
      trace_type: "system",
      resource_type: "ServerHyperinstance",
      resource_id: "b4beacb6-4380-448c-a218-daa82cf03f5d",
      trace_name: "scaleuphyperinstanceServerHyperinstance",
      from: String(own.sandbox.now() - MINUTE),
      to: String(own.sandbox.now() + 1),
      limit: "200",
    })
  })

  it("status no longer shows CTS traces once the attempt is settled", async () => {
    const own = await incident("after-effect")
    await tick(own)
    await settled(own, "accepted")
    const { out } = await own.run("status")
    expect(row(out, "traces")).toBe("none")
    expect(row(out, "order")).toMatch(/^UNKNOWN: .*; settled as accepted by ops, /)
  })
})

describe("settle", () => {
  it("settle shows the attempt's CTS trace and warns against --as absent, and refuses that if servers are new", async () => {
    const own = await incident("after-effect")
    own.advance(3 * MINUTE)
    const { out, err, code } = await settled(own, "absent")
    expect(row(out, "traces")).toMatch(/^CTS shows 1 scale-up .* This supports "accepted"$/)
    expect(err).toContain("warning: CTS shows that the order arrived. Settle the attempt as absent only if")
    expect(code).toBe(1)
  })

  it("settle says that a missing CTS trace proves nothing", async () => {
    const own = await incident("before-effect")
    own.advance(3 * MINUTE)
    expect(row((await settled(own, "accepted")).out, "traces")).toMatch(NOTHING)
  })

  it("settle does not take a CTS trace of another user's purchase in the console for a trace of the attempt", async () => {
    const own = await incident("before-effect")
    own.sandbox.addServers(1)
    own.advance(3 * MINUTE)
    expect(row((await settled(own, "accepted")).out, "traces")).toMatch(
      /: 2024-01-12 16:52:00 \+00:00, by console-user in the console, response 200\. None of them clearly belongs to this attempt/,
    )
  })

  it("settle reads all pages of CTS traces, and keeps the attempt's own trace among many", async () => {
    const own = await incident("after-effect")
    own.sandbox.setTracing({ pageSize: 2 })
    for (let i = 0; i < 4; i++) own.sandbox.addServers(1)
    own.advance(3 * MINUTE)
    expect(row((await settled(own, "accepted")).out, "traces")).toMatch(
      /^CTS shows 5 scale-ups .*by sandbox, response 200.*; and 2 more\. This supports "accepted"$/,
    )
    expect(
      asked(own)
        .slice(-3)
        .map(({ url }) => url.includes("next=")),
    ).toEqual([false, true, true])
  })

  it("settle says that CTS refuses or fails, and which permission is missing, and continues", async () => {
    const own = await incident("after-effect")
    const failures: [Failure, RegExp][] = [
      [
        { status: 403, code: "CTS.0403", message: "no \u001b[31mpermission" },
        /^CTS was not read: listTraces at .* answered 403 CTS\.0403: no .*permission.*\. Grant the keys the permission cts:trace:list\. Without the traces nothing is proven$/,
      ],
      [{ status: 400 }, /^CTS was not read: listTraces at .* answered 400/],
      [{ notJson: true }, /^CTS was not read: .* something that is not JSON/],
      [{ applyButAnswer: { status: 200, body: { traces: "x" } } }, /has no list `traces`/],
    ]
    for (const [failure, words] of failures) {
      own.sandbox.failNext("traces", failure)
      // `absent` is refused because of the new servers, so the attempt stays unknown.
      const { out } = await settled(own, "absent")
      expect(row(out, "traces")).toMatch(words)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none may reach the terminal
      expect(out).not.toMatch(/\u001b/)
    }
    own.sandbox.failNext("traces", { status: 403 })
    expect((await settled(own, "accepted")).code).toBe(0)
  })

  it("settle says that no CTS endpoint is set beside another ModelArts endpoint, and reads no traces", async () => {
    const own = await incident("after-effect")
    own.env["SUPERNODE_CTS_ENDPOINT"] = undefined
    const { length } = asked(own)
    expect(row((await settled(own, "accepted")).out, "traces")).toContain("Set SUPERNODE_CTS_ENDPOINT")
    expect(asked(own)).toHaveLength(length)
  })
})

const odd = (trace: Record<string, string | number | null>): Failure => ({
  applyButAnswer: { status: 200, body: { traces: [trace], meta_data: { count: 1, marker: null } } },
})
const NAME = "scaleuphyperinstanceServerHyperinstance"

describe("no source can make an attempt absent", () => {
  it.each<[string, "human" | "auto", Failure | null]>([
    ["no trace at all", "auto", null],
    [
      "a trace of a refusal",
      "auto",
      odd({ trace_name: NAME, time: Date.parse("2024-01-12T16:52:01Z"), code: "400" }),
    ],
    ["keys that may not read CTS", "human", { status: 403 }],
  ])(
    "an unknown outcome with %s and unknown_outcome %s keeps its money reserved, and nothing is sent again",
    async (_title, auto, failure) => {
      const policy = POLICY.replace("    alarms:", `    unknown_outcome: ${auto}\n    alarms:`)
      const own = await incident("before-effect", { policy })
      if (failure) own.sandbox.failNext("traces", failure, 1_000)
      for (let times = 0; times < 2; times++) await tick(own, 5 * 60 * MINUTE)
      expect(await stateNow(own)).toMatchObject({
        attempt: { state: "unknown" },
        purchases: [{ state: "reserved" }],
        witness: { servers: { added: 0 } },
      })
      expect(own.sandbox.scaleUps).toHaveLength(1)
    },
  )
})

it("doctor reports whether CTS can be read, and passes if not, since purchases do not need this", async () => {
  const own = await cloudFixture()
  own.env["SUPERNODE_CTS_ENDPOINT"] = own.sandbox.url
  expect((await own.run("doctor")).out).toContain("traces: CTS can be read")
  own.sandbox.failNext("traces", { status: 403, code: "CTS.0403" })
  const { code, out } = await own.run("doctor")
  expect(out).toMatch(
    /ok {2}train-a: traces: CTS cannot be read \(grant the keys the permission cts:trace:list\)/,
  )
  expect(code).toBe(0)
})
