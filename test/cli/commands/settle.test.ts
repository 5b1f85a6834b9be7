import { describe, expect, it } from "vitest"
import { type SettleAs, whyNotSettled } from "../../../functions/cli/commands/settling.ts"
import type { OpenAttempt } from "../../../lib/decision/state/attempt.ts"
import { stateOf } from "../../../lib/ledger/next-entry.ts"
import type { SandboxOptions } from "../../../lib/sandbox/sandbox.ts"
import { type CliFixture, type CloudFixture, cloudFixture, MINUTE, STREAM } from "../harness.ts"

const ALARM = "test/events/functiongraph-smn-cloud-eye-alarm.json"
const SAID = ["--why", "seen in the console", "--by", "ops"]

function stateAt(own: CliFixture): Promise<ReturnType<typeof stateOf>> {
  return own.ledger(async (ledger) => stateOf(await ledger.head(STREAM)))
}

type Reset = "before-effect" | "after-effect"

/** An attempt whose response was lost: before the cloud accepted the order, or after. */
async function fixtureWithUnknown(reset: Reset, options: SandboxOptions = {}): Promise<CloudFixture> {
  const own = await cloudFixture(options)
  own.sandbox.failNext("scale-up", { reset })
  await own.run("run", "--event", ALARM)
  return own
}

describe("settle shows the facts before a settlement", () => {
  it("settle shows the servers before the attempt and now, and that an order may await payment", async () => {
    const own = await fixtureWithUnknown("after-effect")
    const { out } = await own.run("settle", "train-a", "--as", "accepted", ...SAID)
    expect(out).toMatch(/state +UNKNOWN: 2 -> 4 servers, .*, opened 2024-01-12 16:52:00 \+00:00/)
    expect(out).toMatch(/before +2 servers:/)
    expect(out).toMatch(/now +4 servers:/)
    expect(out.match(/CREATING \(new\)/g)).toHaveLength(2)
    expect(out).toMatch(
      /payment +order CS\w+ may await payment: see the unpaid orders in the Billing Center$/m,
    )
  })

  it("settle says that an order with an unknown number may await payment, if no server is new", async () => {
    const own = await fixtureWithUnknown("before-effect")
    own.advance(3 * MINUTE)
    const { out } = await own.run("settle", "train-a", "--as", "absent", ...SAID)
    expect(out).toMatch(/payment +an order whose number is not known may await payment/)
  })

  it("settle shows the order's number if the cloud returned a number", async () => {
    const own = await cloudFixture()
    await own.run("run", "--event", ALARM)
    const { out } = await own.run("settle", "train-a", "--as", "completed", ...SAID)
    expect(out).toMatch(/payment +order CS\w+ may await payment/)
  })

  it("settle shows the order's present status from the billing service", async () => {
    const own = await cloudFixture()
    own.env["SUPERNODE_BSS_ENDPOINT"] = own.sandbox.url
    await own.run("run", "--event", ALARM)
    const { out } = await own.run("settle", "train-a", "--as", "completed", ...SAID)
    expect(out).toMatch(/payment +order CS\w+ is completed$/m)
  })

  it("settle shows the order's last known status if the billing service fails", async () => {
    const own = await cloudFixture()
    own.env["SUPERNODE_BSS_ENDPOINT"] = own.sandbox.url
    await own.run("run", "--event", ALARM)
    own.sandbox.failNext("order", { status: 403, code: "CBC.0150" })
    const { out } = await own.run("settle", "train-a", "--as", "completed", ...SAID)
    expect(out).toMatch(/payment +order CS\w+ is completed, as last read$/m)
  })
})

describe("settle", () => {
  it("settle --as accepted books the attempt's money and leaves the attempt in the state accepted", async () => {
    const own = await fixtureWithUnknown("after-effect")
    const { code, out } = await own.run("settle", "train-a", "--as", "accepted", ...SAID)
    expect(out).toContain("settled as accepted: the money is booked")
    expect(await stateAt(own)).toMatchObject({
      attempt: { state: "accepted" },
      purchases: [{ state: "booked" }],
    })
    expect(code).toBe(0)
  })

  it("settle --as completed closes the attempt with the present servers, and starts the cooldown", async () => {
    const own = await fixtureWithUnknown("after-effect")
    own.advance(10 * MINUTE)
    await own.run("settle", "train-a", "--as", "completed", ...SAID)
    const { attempt, completedAt, servers, newServers } = await stateAt(own)
    expect([attempt, servers?.length, newServers.length]).toEqual([null, 4, 2])
    expect(completedAt).toBe(own.sandbox.now())
  })

  it("settle --as absent releases the money, and the next signal may buy", async () => {
    const own = await fixtureWithUnknown("before-effect")
    own.advance(3 * MINUTE)
    const { code } = await own.run("settle", "train-a", "--as", "absent", ...SAID)
    expect(await stateAt(own)).toMatchObject({ attempt: null, purchases: [] })
    expect((await own.run("dry-run", "train-a")).out).toMatch(/^train-a: would buy/)
    expect(code).toBe(0)
  })

  it("settle continues if the cloud cannot be read, and prints that nothing was read", async () => {
    const own = await fixtureWithUnknown("after-effect")
    own.sandbox.failNext("supernode", { status: 400 }, 10)
    const { code, out } = await own.run("settle", "train-a", "--as", "accepted", ...SAID)
    expect(out).toMatch(/now +could not be read: .*\. The settlement continues without them/)
    const said = await own.ledger(async (ledger) => (await ledger.head(STREAM))?.said)
    expect(said).toMatchObject({
      verb: "settle",
      as: "accepted",
      servers: null,
      by: "ops",
      why: "seen in the console",
    })
    expect(code).toBe(0)
  })

  it("settle continues without keys of the cloud, and prints that they are missing", async () => {
    const own = await fixtureWithUnknown("after-effect")
    Object.assign(own.env, { HUAWEICLOUD_SDK_AK: undefined, HUAWEICLOUD_SDK_SK: undefined })
    const { code, out } = await own.run("settle", "train-a", "--as", "accepted", ...SAID)
    expect(out).toMatch(/now +could not be read: .*HUAWEICLOUD_SDK_AK/)
    expect(code).toBe(0)
  })

  it("settle records the present servers in its entry", async () => {
    const own = await fixtureWithUnknown("after-effect")
    const { json } = await own.run("settle", "train-a", "--as", "accepted", ...SAID, "--json")
    const ids = own.sandbox
      .state()
      .supernodes.flatMap(({ servers }) => (servers as { id: string }[]).map(({ id }) => id))
    expect(json()).toMatchObject({ said: { servers: ids } })
  })
})

describe("settle refuses and prints the alternative", () => {
  it("settle refuses to settle without an attempt", async () => {
    const own = await cloudFixture()
    const { code, err } = await own.run("settle", "train-a", "--as", "absent", ...SAID)
    expect(err).toContain("error: train-a has no attempt in flight: there is nothing to settle\n")
    expect(code).toBe(1)
  })

  it("settle refuses --as absent while new servers are present", async () => {
    const own = await fixtureWithUnknown("after-effect")
    const { code, err } = await own.run("settle", "train-a", "--as", "absent", ...SAID)
    expect(err).toContain("2 servers not present before the attempt")
    expect(err).toContain("Use --as accepted while more are starting, --as completed when all are present")
    expect(await stateAt(own)).toMatchObject({ attempt: { state: "unknown" } })
    expect(code).toBe(1)
  })

  it("settle refuses an attempt whose request may be in transit, until its deadline", async () => {
    const own = await fixtureWithUnknown("before-effect")
    own.cutChain(STREAM, 1)
    const early = await own.run("settle", "train-a", "--as", "absent", ...SAID)
    expect(early.err).toContain("cannot be settled before its deadline, 2024-01-12 16:53:30 +00:00")
    expect(early.code).toBe(1)
    own.advance(2 * MINUTE)
    const open = await own.run("settle", "train-a", "--as", "absent", ...SAID)
    expect(open.err).toContain(
      "the request may still be in transit until 2024-01-12 16:54:30 +00:00. Settle again then",
    )
    own.advance(MINUTE)
    expect((await own.run("settle", "train-a", "--as", "absent", ...SAID)).code).toBe(0)
  })

  it("settle refuses an attempt that another person settled while the cloud was read", async () => {
    let meanwhile = async (): Promise<unknown> => undefined
    const own = await fixtureWithUnknown("before-effect", { sleep: async () => void (await meanwhile()) })
    own.advance(3 * MINUTE)
    own.sandbox.failNext("supernode", { delayMs: 1 })
    meanwhile = () => own.run("settle", "train-a", "--as", "absent", ...SAID)
    const { code, err } = await own.run("settle", "train-a", "--as", "accepted", ...SAID)
    expect(err).toContain(
      "the attempt has ended or was replaced meanwhile. To see the present state, run: supernode-autoscaler status train-a",
    )
    expect(await stateAt(own)).toMatchObject({ attempt: null, purchases: [] })
    expect(code).toBe(1)
  })

  it("settle refuses a second settlement", async () => {
    const own = await fixtureWithUnknown("before-effect")
    own.advance(3 * MINUTE)
    await own.run("settle", "train-a", "--as", "absent", ...SAID)
    expect((await own.run("settle", "train-a", "--as", "absent", ...SAID)).code).toBe(1)
  })
})

describe("settle closes no attempt without a recorded outcome while its request may still leave", () => {
  const deadline = Date.parse("2024-01-12T16:53:30Z")
  const attempt = { id: "a1", deadline, before: ["s1"] } as unknown as OpenAttempt

  interface Clocks {
    title: string
    /** True time after the deadline, milliseconds. */
    after: number
    oursOffMs: number
    /** `null` if the cloud's response names no time. */
    dateOffMs: number | null
    isAllowed: boolean
  }

  it.each<Clocks>([
    { title: "a minute after the deadline", after: MINUTE, oursOffMs: 0, dateOffMs: 0, isAllowed: false },
    {
      title: "more than a minute after the deadline",
      after: MINUTE + 1,
      oursOffMs: 0,
      dateOffMs: 0,
      isAllowed: true,
    },
    {
      title: "our clock an hour ahead",
      after: -MINUTE,
      oursOffMs: 60 * MINUTE,
      dateOffMs: 0,
      isAllowed: false,
    },
    { title: "our clock 50 s ahead", after: 30_000, oursOffMs: 50_000, dateOffMs: 0, isAllowed: false },
    {
      title: "the cloud's Date an hour ahead",
      after: -MINUTE,
      oursOffMs: 0,
      dateOffMs: 60 * MINUTE,
      isAllowed: false,
    },
    { title: "no Date from the cloud", after: 60 * MINUTE, oursOffMs: 0, dateOffMs: null, isAllowed: false },
    {
      title: "our clock 30 minutes behind",
      after: 60 * MINUTE,
      oursOffMs: -30 * MINUTE,
      dateOffMs: 0,
      isAllowed: false,
    },
  ])(
    "settle compares the attempt's deadline with the time that the cloud confirmed: $title",
    ({ after, oursOffMs, dateOffMs, isAllowed }) => {
      const truly = deadline + after
      const date = dateOffMs === null ? null : truly + dateOffMs
      const now = truly + oursOffMs
      const look = { ok: true as const, servers: [], skewMs: date === null ? null : date - now, date }
      for (const state of ["unknown", "open"] as const) {
        const current = { ...attempt, state }
        const why = (as: SettleAs) =>
          whyNotSettled({ name: "train-a", as, shown: current, current, isAnswered: false, look, now })
        expect(why("absent") === null).toBe(isAllowed)
        expect(why("completed") === null).toBe(isAllowed)
      }
    },
  )
})
