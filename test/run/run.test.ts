import { beforeEach, describe, expect, it } from "vitest"
import type { Outcome } from "../../lib/decision/state/outcome.ts"
import type { SupernodeState } from "../../lib/decision/state/state.ts"
import { digestText } from "../../lib/digest.ts"
import { answerText } from "../../lib/ledger/answer.ts"
import { nextEntry, supernodeStream } from "../../lib/ledger/next-entry.ts"
import { LedgerError } from "../../lib/ports.ts"
import {
  alarmOf,
  DAY,
  HOUR,
  MINUTE,
  NOW,
  offersOf,
  policyOf,
  requestOf,
  SECOND,
  serverOf,
  supernodeOf,
  tickOf,
} from "../decision/builders.ts"
import { accepted, CONTROL_STREAM, rejected, unknown, unreachable, World } from "./world.ts"

const STREAM = supernodeStream(policyOf().id)
let world: World

beforeEach(async () => {
  world = await World.open()
})

async function state(): Promise<SupernodeState> {
  return (await world.ledger.head(STREAM))?.standing as SupernodeState
}

describe("a run that buys", () => {
  it("a run opens an attempt before the purchase, and settles the attempt after the purchase", async () => {
    world.whileBuying = async () => {
      expect((await world.entries()).map((entry) => entry.kind)).toEqual(["opened"])
    }
    const result = await world.run(alarmOf())
    expect(result).toMatchObject({
      supernode: "train-a",
      mode: "live",
      decision: { kind: "scale-up", heldBy: null },
      outcome: { kind: "accepted", orderId: "CS1" },
      entry: { seq: 2 },
    })
    expect(result.plan).toMatchObject({
      flavor: "rung-4",
      from: 2,
      to: 4,
      cost: { amount: 120_000, currency: "CNY" },
    })
    const [opened, settled] = await world.entries()
    expect(opened).toMatchObject({
      kind: "opened",
      decision: { kind: "scale-up" },
      plan: { hash: result.plan?.hash },
      attempt: { id: world.orders[0]?.attempt },
    })
    expect(settled).toMatchObject({
      kind: "settled",
      outcome: accepted,
      attempt: { id: opened?.attempt?.id },
    })
  })

  it("the entry that opens an attempt keeps all readings, so that the decision can be replayed", async () => {
    await world.run(alarmOf())
    const [opened] = await world.entries()
    expect(opened?.situation).toMatchObject({
      supernode: { state: "read" },
      readings: { state: "read" },
      offers: { state: "read" },
      now: NOW,
    })
    expect(opened?.situation).not.toHaveProperty("standing")
    expect(opened?.situation).not.toHaveProperty("state")
  })

  it("sends an order with the time limits that its attempt records", async () => {
    await world.run(alarmOf())
    const [opened] = await world.entries()
    expect(world.orders[0]).toMatchObject({ sendBefore: NOW + 30 * SECOND, timeoutMs: MINUTE })
    expect(opened?.attempt).toMatchObject({
      openedAt: NOW,
      sendBefore: NOW + 30 * SECOND,
      deadline: NOW + 90 * SECOND,
    })
  })

  it("the entry that settles an attempt keeps the raw response, and the run's result does not", async () => {
    const result = await world.run(alarmOf())
    expect(result.outcome).not.toHaveProperty("raw")
    expect((await world.entries())[1]?.outcome).toMatchObject({ raw: { body: "{}" } })
  })
})

describe("a signal that comes again", () => {
  it("a repeated signal buys nothing, writes nothing, holds as duplicate, and shows the first result", async () => {
    const first = await world.run(alarmOf())
    const asked = world.asked.length
    const again = await world.run(alarmOf())
    expect(again.decision).toMatchObject({ kind: "hold", heldBy: "duplicate" })
    expect(again).toMatchObject({ plan: first.plan, outcome: first.outcome, entry: first.entry })
    expect(world.orders).toHaveLength(1)
    expect(world.asked).toHaveLength(asked)
    expect(await world.entries()).toHaveLength(2)
  })

  it("a repeated signal is decided again if its first delivery only held", async () => {
    world.load = 10
    expect((await world.run(alarmOf())).decision.heldBy).toBe("not-breaching")
    world.load = 97
    expect((await world.run(alarmOf())).outcome).toMatchObject({ kind: "accepted" })
    expect((await world.run(alarmOf())).decision.heldBy).toBe("duplicate")
    expect(world.orders).toHaveLength(1)
  })

  it("a repeated signal holds as duplicate if its attempt was never settled", async () => {
    world.interference.beforeAppend = async (entry) => (entry.kind === "settled" ? unreachable() : undefined)
    await expect(world.run(alarmOf())).rejects.toThrow(
      /could not be written to the ledger, so the attempt stays open/,
    )
    world.interference = {}
    const again = await world.run(alarmOf())
    expect(again).toMatchObject({ decision: { heldBy: "duplicate" }, entry: { seq: 1 } })
    expect(again.outcome).toBeUndefined()
    expect(world.orders).toHaveLength(1)
  })
})

describe("the modes of a run", () => {
  it("a dry run reads everything, shows the plan, and writes nothing", async () => {
    const result = await world.run(requestOf({ mode: "dry-run" }))
    expect(result).toMatchObject({ mode: "dry-run", decision: { kind: "scale-up" }, plan: { to: 4 } })
    expect(result).not.toHaveProperty("entry")
    expect(world.asked).toEqual(["supernode", "metrics", "offers"])
    expect(await world.entries()).toEqual([])
  })

  it("a tick in a dry run reads the cloud even if the ledger's state alone holds the tick", async () => {
    await world.run()
    world.deliver(4)
    world.now += 20 * MINUTE
    expect((await world.run()).decision.heldBy).toBe("cooldown")
    world.asked = []
    await world.run()
    expect(world.asked).toEqual([])
    await world.run(undefined, { mode: "dry-run" })
    expect(world.asked).toEqual(["supernode", "metrics"])
  })

  it("a dry run counts a server that appeared after the newest entry, and does not record it", async () => {
    world.load = 10
    await world.run()
    world.load = 97
    world.now += 5 * MINUTE
    world.deliver(4)
    const policy = policyOf({ ladder: [2, 4, 8].map((servers) => ({ flavor: `rung-${servers}`, servers })) })
    const shown = await world.run(requestOf({ at: world.now, servers: 8 }), { policy })
    expect([shown.mode, shown.decision.heldBy]).toEqual(["dry-run", "cooldown"])
    expect((await world.entries()).map(({ kind }) => kind)).toEqual(["decided"])
  })

  it("observe mode decides and records the plan, and never buys", async () => {
    const result = await world.run(alarmOf(), { mode: "observe" })
    expect(result).toMatchObject({ mode: "observe", decision: { kind: "scale-up" }, entry: { seq: 1 } })
    expect(await world.entries()).toMatchObject([{ kind: "decided", mode: "observe", plan: { to: 4 } }])
    expect(world.orders).toEqual([])
  })

  it("only observes under a policy with a new hash until arm_after is over", async () => {
    const policy = policyOf({ arm_after: "24h" })
    expect(await world.run(undefined, { policy })).toMatchObject({
      mode: "observe",
      decision: { kind: "scale-up" },
    })
    world.now += 23 * HOUR
    expect((await world.run(undefined, { policy })).mode).toBe("observe")
    world.now += 2 * HOUR
    expect(await world.run(undefined, { policy })).toMatchObject({
      mode: "live",
      outcome: { kind: "accepted" },
    })
  })

  it("a live request buys exactly the plan that the dry run showed", async () => {
    const shown = await world.run(requestOf({ mode: "dry-run" }))
    const planHash = shown.plan?.hash ?? ""
    const bought = await world.run(requestOf({ id: "r2", mode: "live", planHash }))
    expect(bought).toMatchObject({ outcome: { kind: "accepted" }, plan: { hash: planHash } })
  })

  it("a live request buys nothing if the plan has changed since the dry run", async () => {
    const shown = await world.run(requestOf({ mode: "dry-run" }))
    world.supernode = {
      ok: true,
      value: supernodeOf({ servers: [serverOf("s1"), serverOf("s9")] }),
      skewMs: 0,
    }
    const result = await world.run(requestOf({ id: "r2", mode: "live", planHash: shown.plan?.hash ?? "" }))
    expect(result.decision).toMatchObject({ kind: "hold", heldBy: "plan-changed" })
    expect(world.orders).toEqual([])
  })
})

describe("calls and entries of a tick", () => {
  it("a tick makes no cloud call while the ledger's state alone holds it", async () => {
    await world.say({ verb: "pause", supernode: null, why: "maintenance", by: "ops", until: null })
    expect((await world.run()).decision.heldBy).toBe("paused")
    expect(world.asked).toEqual([])
  })

  it("an alarm makes all cloud calls, so that its record lists every reason", async () => {
    await world.say({ verb: "pause", supernode: null, why: "maintenance", by: "ops", until: null })
    world.load = 10
    const result = await world.run(alarmOf())
    const failed = result.decision.findings
      .filter((finding) => finding.passed === false)
      .map((finding) => finding.reason)
    expect(failed).toEqual(["paused", "not-breaching"])
  })

  it("a tick reads offers only after it chose a rung", async () => {
    world.load = 10
    await world.run()
    expect(world.asked).toEqual(["supernode", "metrics"])
  })

  it("a tick reads no offers if a gate holds whatever the offers are, while an alarm makes all cloud calls", async () => {
    const budget = { amount: 1, currency: "CNY", per: "30d" } as const
    const policy = policyOf({ limits: { actions: "2 per 24h", servers: 48, budget } })
    expect((await world.run(undefined, { policy })).decision.heldBy).toBe("over-budget")
    expect(world.asked).toEqual(["supernode", "metrics"])
    world.asked = []
    expect((await world.run(alarmOf(), { policy })).decision.heldBy).toBe("over-budget")
    expect(world.asked).toEqual(["supernode", "metrics", "offers"])
  })

  it("a tick records a hold if its reason is new, and again after a day", async () => {
    world.load = 10
    await world.run()
    world.now += 5 * MINUTE
    await world.run()
    expect(await world.entries()).toHaveLength(1)
    world.load = null
    world.now += 5 * MINUTE
    expect((await world.run()).decision.heldBy).toBe("missing-data")
    expect(await world.entries()).toHaveLength(2)
    world.now += DAY
    await world.run()
    expect(await world.entries()).toHaveLength(3)
  })

  it("a tick always reads the supernode of an attempt in flight", async () => {
    await world.run()
    world.asked = []
    world.now += 10 * MINUTE
    expect((await world.run()).decision.heldBy).toBe("in-flight")
    expect(world.asked).toEqual(["supernode"])
  })
})

describe("a run after a purchase", () => {
  it("after a purchase, holds until all new servers run, cools down from then, and may then buy again", async () => {
    const policy = policyOf({
      limits: { actions: "5 per 24h", servers: 48 },
      ladder: [
        { flavor: "rung-2", servers: 2 },
        { flavor: "rung-4", servers: 4 },
        { flavor: "rung-8", servers: 8 },
      ],
    })
    world.offers = { ok: true, value: offersOf("rung-4", "rung-8"), skewMs: 0 }
    await world.run(undefined, { policy })
    world.now += 10 * MINUTE
    world.deliver(4, { status: "CREATING" })
    expect((await world.run(undefined, { policy })).decision.heldBy).toBe("in-flight")
    world.now += 10 * MINUTE
    world.deliver(4)
    expect((await world.run(undefined, { policy })).decision.heldBy).toBe("cooldown")
    expect((await world.entries()).map((entry) => entry.observation?.kind ?? entry.kind)).toContain(
      "completed",
    )
    world.now += HOUR + 20 * MINUTE
    expect(await world.run(undefined, { policy })).toMatchObject({
      plan: { from: 4, to: 8 },
      outcome: { kind: "accepted" },
    })
  })

  it("holds for an unknown outcome until a person settles it", async () => {
    world.outcomes = [unknown]
    expect((await world.run(alarmOf())).outcome).toMatchObject({ kind: "unknown" })
    world.now += 3 * HOUR
    expect((await world.run()).decision.heldBy).toBe("outcome-unknown")
    const attempt = world.orders[0]?.attempt ?? ""
    await world.say({
      verb: "settle",
      attempt,
      as: "absent",
      why: "not in the console",
      by: "ops",
      servers: ["s1", "s2"],
    })
    expect((await world.run()).outcome).toMatchObject({ kind: "accepted" })
    expect(world.orders).toHaveLength(2)
  })

  it("an attempt that was never settled becomes unknown after its deadline", async () => {
    world.interference.beforeAppend = async (entry) => (entry.kind === "settled" ? unreachable() : undefined)
    await expect(world.run(alarmOf())).rejects.toThrow(LedgerError)
    world.interference = {}
    world.now += 5 * MINUTE
    expect((await world.run()).decision.heldBy).toBe("outcome-unknown")
    expect((await state()).attempt?.state).toBe("unknown")
  })

  it("treats a purchase as unknown if its client throws against its contract", async () => {
    world.whileBuying = async () => {
      throw new Error("boom")
    }
    expect((await world.run(alarmOf())).outcome).toMatchObject({ kind: "unknown", reason: "client-failure" })
  })

  it("an order that was not sent does not count for action limit, budget and cooldown", async () => {
    const outcome: Outcome = { kind: "not-sent", reason: "refused", says: "connection refused" }
    world.outcomes = [outcome]
    expect((await world.run(alarmOf())).outcome).toEqual(outcome)
    expect(await state()).toMatchObject({ attempt: null, purchases: [] })
    expect((await world.run()).outcome).toMatchObject({ kind: "accepted" })
  })

  it("holds after a refusal for the balance until a person resets it", async () => {
    world.outcomes = [rejected("balance")]
    await world.run(alarmOf())
    world.now += 10 * DAY
    expect((await world.run()).decision.heldBy).toBe("breaker")
    await world.say({ verb: "reset", why: "topped up", by: "ops" })
    expect((await world.run()).outcome).toMatchObject({ kind: "accepted" })
  })

  it("after a throttled purchase, waits as long as the cloud requested", async () => {
    world.outcomes = [rejected("throttle", 7 * MINUTE)]
    await world.run(alarmOf())
    world.now += 6 * MINUTE
    expect((await world.run()).decision.heldBy).toBe("backoff")
    world.now += 2 * MINUTE
    expect((await world.run()).outcome).toMatchObject({ kind: "accepted" })
  })

  it("an order that is refused as invalid switches off its rule until the policy changes", async () => {
    world.outcomes = [rejected("invalid")]
    await world.run(alarmOf())
    expect((await world.run()).decision.heldBy).toBe("latched")
    world.now += 16 * MINUTE
    expect((await world.run(undefined, { policy: policyOf({ cooldown: "61m" }) })).outcome).toMatchObject({
      kind: "accepted",
    })
  })
})

describe("a refusal for capacity after an offer", () => {
  const larger = policyOf({
    sold_out: "next-larger",
    ladder: [
      { flavor: "rung-2", servers: 2 },
      { flavor: "rung-4", servers: 4 },
      { flavor: "rung-8", servers: 8 },
      { flavor: "rung-16", servers: 16 },
      { flavor: "rung-32", servers: 32 },
    ],
  })

  beforeEach(() => {
    world.offers = { ok: true, value: offersOf("rung-4", "rung-8", "rung-16", "rung-32"), skewMs: 0 }
  })

  it("a refusal for capacity leads to the next larger rung, in a new attempt", async () => {
    world.outcomes = [rejected("capacity")]
    const result = await world.run(alarmOf(), { policy: larger })
    expect(result).toMatchObject({ plan: { flavor: "rung-8" }, outcome: { kind: "accepted" } })
    expect(
      (await world.entries()).map((entry) => [entry.kind, entry.plan?.flavor ?? entry.outcome?.kind]),
    ).toEqual([
      ["opened", "rung-4"],
      ["settled", "rejected"],
      ["opened", "rung-8"],
      ["settled", "accepted"],
    ])
  })

  it("refusals for capacity lead to at most three attempts", async () => {
    world.outcomes = [rejected("capacity"), rejected("capacity"), rejected("capacity"), rejected("capacity")]
    const result = await world.run(alarmOf(), { policy: larger })
    expect(world.orders.map((order) => order.plan.flavor)).toEqual(["rung-4", "rung-8", "rung-16"])
    expect(result.outcome).toMatchObject({ kind: "rejected", class: "capacity" })
  })

  it("a refusal for capacity leads to no second attempt for a plan that a person saw", async () => {
    const shown = await world.run(requestOf({ mode: "dry-run", servers: 4 }), { policy: larger })
    world.outcomes = [rejected("capacity")]
    await world.run(requestOf({ id: "r2", mode: "live", servers: 4, planHash: shown.plan?.hash ?? "" }), {
      policy: larger,
    })
    expect(world.orders).toHaveLength(1)
    expect((await world.entries()).map(({ kind }) => kind)).toEqual(["opened", "settled"])
  })

  it.each(["throttle", "quota", "balance", "invalid", "auth", "state-conflict", "not-found"] as const)(
    "a refusal for a reason other than capacity leads to no second attempt: %s",
    async (of) => {
      world.outcomes = [rejected(of)]
      expect((await world.run(alarmOf(), { policy: larger })).outcome).toMatchObject({ class: of })
      expect(world.orders).toHaveLength(1)
      expect((await world.entries()).map(({ kind }) => kind)).toEqual(["opened", "settled"])
    },
  )

  it.each([unknown, accepted])(
    "a purchase whose outcome is $kind leads to no second attempt",
    async (outcome) => {
      world.outcomes = [outcome]
      await world.run(alarmOf(), { policy: larger })
      expect((await world.entries()).map(({ kind }) => kind)).toEqual(["opened", "settled"])
    },
  )

  it("with sold_out: hold, a refusal for capacity only blocks the flavor for five minutes", async () => {
    world.outcomes = [rejected("capacity")]
    await world.run(alarmOf())
    expect(world.orders).toHaveLength(1)
    expect((await world.entries()).map(({ kind }) => kind)).toEqual(["opened", "settled"])
    world.now += 4 * MINUTE
    expect((await world.run()).decision.heldBy).toBe("flavor-blocked")
    world.now += 2 * MINUTE
    expect((await world.run()).outcome).toMatchObject({ kind: "accepted" })
  })
})

describe("a purchase between the opened attempt and the request", () => {
  it("a pause between the opened attempt and the request stops the purchase, with that reason on record", async () => {
    world.interference.beforeAppend = async (entry) => {
      if (entry.kind === "opened")
        await world.say({ verb: "pause", supernode: null, why: "stop!", by: "ops", until: null })
      return undefined
    }
    const result = await world.run(alarmOf())
    expect(result.outcome).toMatchObject({ kind: "not-sent", reason: "paused" })
    expect(world.orders).toEqual([])
    expect(await state()).toMatchObject({ attempt: null, purchases: [] })
  })

  it("a control stream that cannot be read right before the request stops the purchase, as a pause does", async () => {
    let reads = 0
    world.interference.beforeHead = async (stream) => {
      if (stream === CONTROL_STREAM && ++reads > 1) unreachable()
    }
    expect((await world.run(alarmOf())).outcome).toMatchObject({
      kind: "not-sent",
      reason: "control-unreadable",
    })
    expect(world.orders).toEqual([])
  })

  it("a command for another supernode does not stop a purchase", async () => {
    world.interference.beforeAppend = async (entry) => {
      if (entry.kind === "opened")
        await world.say({ verb: "pause", supernode: "another", why: "theirs", by: "ops", until: null })
      return undefined
    }
    expect((await world.run(alarmOf())).outcome).toMatchObject({ kind: "accepted" })
  })

  it("a purchase is not sent if too little time is left in the function right before the request", async () => {
    world.interference.beforeAppend = async (entry) => {
      if (entry.kind === "opened") world.timeLeftMs = 64 * SECOND
      return undefined
    }
    expect((await world.run(alarmOf())).outcome).toMatchObject({ kind: "not-sent", reason: "no-time" })
    expect(world.orders).toEqual([])
  })
})

describe("holds outside the gates", () => {
  it("holds as no-time and opens no attempt if too little time is left", async () => {
    world.timeLeftMs = 65 * SECOND
    const result = await world.run(alarmOf())
    expect(result.decision).toMatchObject({ kind: "hold", heldBy: "no-time" })
    expect((await world.entries()).map((entry) => entry.kind)).toEqual(["decided"])
  })

  it("throws if the ledger cannot be read, and decides and buys nothing", async () => {
    world.interference.beforeHead = async () => unreachable()
    await expect(world.run(alarmOf())).rejects.toThrow("the store is unreachable")
    // The supernode is read at the same time as the heads, and its response is dropped.
    expect(world.asked).toEqual(["supernode"])
  })

  it("throws if the attempt cannot be opened, and buys nothing", async () => {
    world.interference.beforeAppend = async () => unreachable()
    await expect(world.run(alarmOf())).rejects.toThrow("the store is unreachable")
    expect(world.orders).toEqual([])
  })

  it("holds as standing-full if the state leaves no room for a settlement", async () => {
    world.load = 10
    await world.run(alarmOf({ id: "first" }))
    const head = await world.ledger.head(STREAM)
    const signals = Object.fromEntries(
      Array.from({ length: 900 }, (_, i) => [
        `signal-${i}-${"x".repeat(80)}`,
        { run: "r", seq: 1, at: NOW, keepUntil: NOW + HOUR },
      ]),
    )
    const full = nextEntry(
      STREAM,
      head && { ...head, standing: { ...(head.standing as SupernodeState), signals } },
      { at: NOW, run: "r", writer: "w", kind: "decided", mode: "live" },
    )
    await world.ledger.append(full)
    world.load = 97
    const { decision } = await world.run()
    expect(decision).toMatchObject({ kind: "hold", heldBy: "standing-full" })
    expect(decision.findings.at(-1)?.says).toContain(
      "Purchases resume when old purchases and settled attempts expire",
    )
    expect(world.orders).toEqual([])
  })
})

describe("another run at the same time", () => {
  /** Lets a rival append its own entry right before ours, this many times. */
  function rival(times: number, kinds = ["opened", "decided"]): void {
    let left = times
    world.interference.beforeAppend = async (entry) => {
      if (!kinds.includes(entry.kind) || left-- <= 0) return undefined
      const interference = world.interference
      world.interference = {}
      const head = await world.ledger.head(entry.stream)
      await world.ledger.append(
        nextEntry(entry.stream, head, {
          at: NOW,
          run: world.newId(),
          writer: world.newId(),
          kind: "decided",
          mode: "live",
        }),
      )
      world.interference = interference
      return undefined
    }
  }

  it("a run that loses one append to another run decides again from the start, and buys once", async () => {
    rival(1)
    expect((await world.run(alarmOf())).outcome).toMatchObject({ kind: "accepted" })
    expect(world.orders).toHaveLength(1)
    expect(world.asked.filter((verb) => verb === "supernode")).toHaveLength(2)
  })

  it("a run holds as overtaken after three appends lost to other runs", async () => {
    rival(3)
    const result = await world.run(alarmOf())
    expect(result.decision).toMatchObject({ kind: "hold", heldBy: "overtaken" })
    expect(world.orders).toEqual([])
    expect((await world.entries()).at(-1)).toMatchObject({
      kind: "decided",
      decision: { heldBy: "overtaken" },
    })
  })

  it("if another run writes during the purchase, buys only once and appends the outcome after that run's entry", async () => {
    rival(2, ["settled"])
    const result = await world.run(alarmOf())
    expect(result).toMatchObject({ outcome: { kind: "accepted" }, entry: { seq: 4 } })
    expect(world.orders).toHaveLength(1)
    expect((await state()).attempt?.state).toBe("accepted")
  })

  it("buys once for 50 concurrent deliveries of one signal", async () => {
    const results = await Promise.all(Array.from({ length: 50 }, () => world.run(alarmOf())))
    expect(world.orders).toHaveLength(1)
    expect(results.filter((result) => result.decision.kind === "scale-up")).toHaveLength(1)
  })
})

describe("writing the outcome", () => {
  it("keeps trying to write the outcome while the ledger fails", async () => {
    let failures = 5
    world.interference.beforeAppend = async (entry) =>
      entry.kind === "settled" && failures-- > 0 ? unreachable() : undefined
    expect(await world.run(alarmOf())).toMatchObject({ outcome: { kind: "accepted" }, entry: { seq: 2 } })
  })

  it.each([
    ["is kept as text while it is short", '{"id":"x"}', false, undefined],
    ["of 48 servers is kept whole, compressed", serversText(48), false, "gzip+base64"],
    [
      "that does not fit even compressed is kept by its beginning, size and hash",
      noiseOf(400_000),
      true,
      undefined,
    ],
  ])("a purchase's raw response %s", async (_, body, truncated, encoding) => {
    const bytes = Buffer.byteLength(body)
    world.outcomes = [{ ...accepted, raw: { body, bytes, truncated: false } } as Outcome]
    await world.run(alarmOf())
    const outcome = (await world.entries())[1]?.outcome as Extract<Outcome, { kind: "accepted" }>
    const { raw } = outcome
    expect(raw).toMatchObject({ bytes, truncated })
    expect(raw?.encoding).toBe(encoding)
    const text = raw ? answerText(raw) : ""
    if (truncated) expect(body.startsWith(text) && text.length > 30_000).toBe(true)
    else expect(text).toBe(body)
    if (truncated || encoding) expect(`sha256:${raw?.sha256}`).toBe(digestText(body))
  })
})

describe("readings and reads that fail", () => {
  it.each([
    ["supernode-unreadable", false],
    ["credentials", true],
  ])("records a hold if the supernode cannot be read: reason %s", async (reason, credentials) => {
    world.supernode = { ok: false, why: "503", credentials }
    expect((await world.run(alarmOf())).decision.heldBy).toBe(reason)
    expect(await world.entries()).toHaveLength(1)
  })

  it("holds if the offers cannot be read", async () => {
    world.offers = { ok: false, why: "503", credentials: false }
    expect((await world.run(alarmOf())).decision.heldBy).toBe("offers-unreadable")
  })

  it("holds if the cloud's clock is more than a minute off", async () => {
    world.offers = { ok: true, value: offersOf("rung-4"), skewMs: -61 * SECOND }
    expect((await world.run(alarmOf())).decision.heldBy).toBe("clock-skewed")
  })

  it("holds if our clock is more than a minute behind the ledger", async () => {
    world.load = 10
    await world.run(alarmOf())
    world.now -= 2 * MINUTE
    world.load = 97
    expect((await world.run(tickOf({ id: "t", at: world.now }))).decision.heldBy).toBe("clock-behind-ledger")
  })

  it("records servers that it did not order, and cools down after them", async () => {
    world.load = 10
    await world.run(alarmOf())
    world.now += 5 * MINUTE
    world.deliver(4)
    world.load = 97
    const policy = policyOf({
      ladder: [
        { flavor: "rung-2", servers: 2 },
        { flavor: "rung-4", servers: 4 },
        { flavor: "rung-8", servers: 8 },
      ],
    })
    expect((await world.run(undefined, { policy })).decision.heldBy).toBe("cooldown")
    expect((await world.entries()).map((entry) => entry.observation?.kind)).toContain("out-of-band")
  })
})

/** The raw response for `count` servers, 1.4 KB each. */
function serversText(count: number): string {
  const servers = Array.from({ length: count }, (_, i) => ({ id: `s${i}`, endpoints: "e".repeat(1_370) }))
  return JSON.stringify({ id: "x", servers })
}

/** Text that does not compress, the same in every test run. */
function noiseOf(length: number): string {
  let text = ""
  for (let i = 0; text.length < length; i++) text += digestText(`noise ${i}`).slice("sha256:".length)
  const bytes = Buffer.from(text.slice(0, length), "hex")
  return bytes.toString("base64").repeat(2).slice(0, length)
}
