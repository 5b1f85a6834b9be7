import { beforeEach, describe, expect, it } from "vitest"
import type { SupernodeState } from "../../lib/decision/state/state.ts"
import { supernodeStream } from "../../lib/ledger/next-entry.ts"
import {
  alarmOf,
  DAY,
  HOUR,
  MINUTE,
  NOW,
  offersOf,
  policyOf,
  requestOf,
  ruleInput,
  SECOND,
  serverOf,
  supernodeOf,
  tickOf,
} from "../decision/builders.ts"
import { rejected, unknown, World } from "./world.ts"

// Events that come late, twice, out of order or from a wrong clock.

const STREAM = supernodeStream(policyOf().id)
const ladder = [2, 4, 8, 16].map((servers) => ({ flavor: `rung-${servers}`, servers }))
const roomy = policyOf({ ladder, limits: { actions: "9 per 24h", servers: 48 } })
let world: World

beforeEach(async () => {
  world = await World.open()
  world.offers = { ok: true, value: offersOf("rung-4", "rung-8", "rung-16"), skewMs: 0 }
})

async function state(): Promise<SupernodeState> {
  return (await world.ledger.head(STREAM))?.standing as SupernodeState
}

function settleAsAbsent(): Promise<void> {
  const attempt = world.orders.at(-1)?.attempt ?? ""
  return world.say({
    verb: "settle",
    attempt,
    as: "absent",
    why: "not there",
    by: "ops",
    servers: ["s1", "s2"],
  })
}

const kinds = async () => (await world.entries()).flatMap((entry) => entry.observation?.kind ?? [])

describe("a purchase that a person settled as absent, and that happened after all", () => {
  it("a purchase wrongly settled as absent is found as wrong and counts its money, even after the next purchase", async () => {
    world.outcomes = [unknown]
    await world.run(undefined, { policy: roomy })
    await settleAsAbsent()
    world.now += MINUTE
    await world.run(undefined, { policy: roomy })
    expect(world.orders).toHaveLength(2)
    world.now += 10 * MINUTE
    world.deliver(4)
    await world.run(undefined, { policy: roomy })
    world.now += MINUTE
    world.supernode = {
      ok: true,
      value: supernodeOf({ servers: [1, 2, 3, 4, 5, 6].map((i) => serverOf(`s${i}`)) }),
      skewMs: 0,
    }
    expect(
      (await world.run(requestOf({ id: "later", at: world.now, mode: "live" }), { policy: roomy })).decision
        .heldBy,
    ).toBe("wrong")
    expect(await kinds()).toEqual(["completed", "wrong"])
    expect((await state()).purchases).toHaveLength(2)
  })

  it("a purchase settled as absent is not found as wrong by the servers of a later purchase after a reset", async () => {
    world.outcomes = [unknown]
    await world.run(undefined, { policy: roomy })
    await settleAsAbsent()
    world.now += MINUTE
    await world.run(undefined, { policy: roomy })
    world.now += 10 * MINUTE
    world.deliver(4)
    await world.run(undefined, { policy: roomy })
    await world.say({ verb: "reset", why: "tidy", by: "ops" })
    world.now += MINUTE
    await world.run(requestOf({ id: "later", at: world.now, mode: "live" }), { policy: roomy })
    expect(await kinds()).toEqual(["completed"])
  })

  it("a purchase wrongly settled as absent is found as wrong after a reset too", async () => {
    world.outcomes = [unknown]
    await world.run(undefined, { policy: roomy })
    await settleAsAbsent()
    await world.say({ verb: "reset", why: "tidy", by: "ops" })
    world.deliver(4)
    expect((await world.run(undefined, { policy: roomy })).decision.heldBy).toBe("wrong")
  })

  it("a purchase settled as absent counts its money once its late response arrives, and then holds as wrong", async () => {
    let answerFirst: () => void = () => {}
    world.whileBuying = async () => {
      world.whileBuying = async () => {}
      await new Promise<void>((resolve) => {
        answerFirst = resolve
      })
    }
    const first = world.run(undefined, { policy: roomy })
    await expect.poll(() => world.orders.length).toBe(1)
    world.now += 5 * MINUTE
    await world.run(undefined, { policy: roomy })
    await settleAsAbsent()
    await world.run(undefined, { policy: roomy })
    expect(world.orders).toHaveLength(2)
    answerFirst()
    await first
    expect((await state()).purchases).toHaveLength(2)
    world.now += 10 * MINUTE
    world.deliver(4)
    await world.run(undefined, { policy: roomy })
    expect((await world.run(undefined, { policy: roomy })).decision.heldBy).toBe("wrong")
  })

  it("a late refusal for the balance holds as breaker, even if the purchase was settled as absent", async () => {
    let answer: () => void = () => {}
    world.outcomes = [rejected("balance")]
    world.whileBuying = () =>
      new Promise<void>((resolve) => {
        answer = resolve
      })
    const slow = world.run(undefined, { policy: roomy })
    await expect.poll(() => world.orders.length).toBe(1)
    world.now += 5 * MINUTE
    world.whileBuying = async () => {}
    await world.run(undefined, { policy: roomy })
    await settleAsAbsent()
    answer()
    await slow
    expect((await world.run(undefined, { policy: roomy })).decision.heldBy).toBe("breaker")
  })
})

describe("a late unknown outcome", () => {
  it("an unknown outcome that arrives late does not overwrite a person's settlement", async () => {
    let answer: () => void = () => {}
    world.outcomes = [unknown]
    world.whileBuying = () =>
      new Promise<void>((resolve) => {
        answer = resolve
      })
    const slow = world.run(undefined, { policy: roomy })
    await expect.poll(() => world.orders.length).toBe(1)
    world.now += 5 * MINUTE
    await world.run(undefined, { policy: roomy })
    const attempt = world.orders[0]?.attempt ?? ""
    await world.say({
      verb: "settle",
      attempt,
      as: "accepted",
      why: "in the console",
      by: "ops",
      servers: null,
    })
    answer()
    await slow
    expect((await state()).attempt?.state).toBe("accepted")
  })
})

describe("missing data that counts as breaching", () => {
  const rules = (over: object) => policyOf({ ladder, rules: [ruleInput({ missing: "breaching", ...over })] })

  it("a rule with missing: breaching buys for the missing data of a meter that was read", async () => {
    world.load = null
    expect((await world.run(undefined, { policy: rules({}) })).outcome).toMatchObject({ kind: "accepted" })
  })

  it.each([
    ["a source that this version does not read", { unasked: true as const }, "missing-data"],
    ["a meter that refused our keys", { credentials: true as const }, "credentials"],
  ])("a rule with missing: breaching never buys for the missing data of %s", async (_, silence, heldBy) => {
    world.load = null
    const readMetrics = world.cloud.readMetrics
    world.cloud.readMetrics = async (question) =>
      (await readMetrics(question)).map((reading) => ({ ...reading, ...silence }))
    expect((await world.run(undefined, { policy: rules({}) })).decision.heldBy).toBe(heldBy)
    expect(world.orders).toEqual([])
  })
})

describe("a response about the servers that cannot be right", () => {
  it("draws no conclusion from a server list that omits a known server without DELETED", async () => {
    world.load = 10
    await world.run(alarmOf(), { policy: roomy })
    world.load = 97
    world.supernode = {
      ok: true,
      value: supernodeOf({ servers: [serverOf("s2"), serverOf("s3")] }),
      skewMs: 0,
    }
    world.now += MINUTE
    expect((await world.run(undefined, { policy: roomy })).decision.heldBy).toBe("supernode-unreadable")
    expect(await kinds()).toEqual([])
    await world.say({ verb: "reset", why: "s1 was replaced", by: "ops" })
    expect((await world.run(undefined, { policy: roomy })).outcome).toMatchObject({ kind: "accepted" })
  })

  it("does not take four unknown servers for a completed purchase", async () => {
    await world.run(undefined, { policy: roomy })
    world.now += 10 * MINUTE
    world.supernode = {
      ok: true,
      value: supernodeOf({ servers: [3, 4, 5, 6].map((i) => serverOf(`s${i}`)) }),
      skewMs: 0,
    }
    expect((await world.run(undefined, { policy: roomy })).decision.heldBy).toBe("in-flight")
    expect(await kinds()).toEqual([])
  })
})

describe("wrong clocks of a run", () => {
  it("each run holds while our clock is behind the ledger's newest entry", async () => {
    world.load = 10
    await world.run(alarmOf())
    world.load = 97
    world.now -= 2 * HOUR
    for (let times = 0; times < 3; times++) {
      const result = await world.run(tickOf({ id: `t${times}`, at: world.now }), { policy: roomy })
      expect(result.decision.heldBy).toBe("clock-behind-ledger")
      world.now += MINUTE
    }
  })

  it("buys again after a person's reset if an entry came from a clock that ran ahead", async () => {
    world.load = 10
    world.now += 30 * DAY
    await world.run(tickOf({ at: world.now }))
    world.now = NOW
    world.load = 97
    expect((await world.run()).decision.heldBy).toBe("clock-behind-ledger")
    await world.say({ verb: "reset", why: "a host's clock ran ahead", by: "ops" })
    expect((await world.run()).outcome).toMatchObject({ kind: "accepted" })
  })

  it("an entry has the time of the cloud's clock if our clock contradicts that clock", async () => {
    world.now += 3 * HOUR
    world.supernode = { ok: true, value: supernodeOf(), skewMs: -3 * HOUR }
    expect((await world.run(tickOf({ at: world.now }))).decision.heldBy).toBe("clock-skewed")
    expect((await world.ledger.head(STREAM))?.at).toBe(NOW)
  })

  it("does not call a purchase stuck that is minutes old if our clock jumped ahead", async () => {
    await world.run(undefined, { policy: roomy })
    world.now += 5 * HOUR
    world.supernode = { ok: true, value: supernodeOf(), skewMs: -5 * HOUR + MINUTE }
    const result = await world.run(tickOf({ at: world.now }), { policy: roomy })
    expect(result.decision.heldBy).toBe("clock-skewed")
    expect(await kinds()).toEqual([])
  })

  it("cools down from now if a server claims to be created in the future", async () => {
    const servers = [serverOf("s1"), serverOf("s2", { createAt: NOW * 1000 })]
    world.supernode = { ok: true, value: supernodeOf({ servers }), skewMs: 0 }
    expect((await world.run()).decision.heldBy).toBe("cooldown")
    world.now += 61 * MINUTE
    expect((await world.run()).outcome).toMatchObject({ kind: "accepted" })
  })
})

describe("a rule that buys once until it clears", () => {
  it("a rule with repeat: false clears also while another gate holds, and buys again when the load returns", async () => {
    const policy = policyOf({
      ladder,
      rules: [ruleInput({ repeat: false })],
      limits: { actions: "1 per 24h", servers: 48 },
    })
    const tick = () => world.run(tickOf({ id: world.newId(), at: world.now }), { policy })
    expect((await tick()).outcome?.kind).toBe("accepted")
    world.now += 5 * MINUTE
    world.deliver(4)
    await tick()
    world.now += 3 * HOUR

    world.load = 10
    expect((await tick()).decision.kind).toBe("hold")
    const [written] = (await world.entries()).slice(-1)
    expect(written).toMatchObject({ kind: "decided", decision: { cleared: ["npu-busy"] } })
    world.asked = []
    await tick()
    expect(world.asked).toEqual([])

    world.load = 97
    world.now += DAY
    expect((await tick()).outcome?.kind).toBe("accepted")
  })

  it("a rule with repeat: false is recorded as cleared by a tick that has nothing else to record", async () => {
    const policy = policyOf({ ladder, rules: [ruleInput({ repeat: false })] })
    const tick = () => world.run(tickOf({ id: world.newId(), at: world.now }), { policy })
    await tick()
    world.now += 2 * HOUR
    world.deliver(4)
    await tick()
    await world.say({ verb: "pause", supernode: null, why: "w", by: "ops", until: null })
    world.now += HOUR
    expect((await tick()).decision.heldBy).toBe("paused")
    expect(await tick()).toMatchObject({ entry: null })
    world.load = 10
    expect((await tick()).decision.heldBy).toBe("paused")
    expect((await state()).latches).toEqual({})
  })

  it("a rule with repeat: false does not clear by points from before the purchase", async () => {
    const policy = policyOf({ ladder, rules: [ruleInput({ repeat: false, points: "2 of 5" })] })
    const readMetrics = world.cloud.readMetrics
    world.cloud.readMetrics = async (question) => {
      const [reading] = await readMetrics(question)
      if (!reading) return []
      const quiet = (at: number) => (at < NOW - 15 * MINUTE ? 50 : 97)
      return [
        {
          ...reading,
          series: reading.series.map((one) => ({
            ...one,
            points: one.points.map(({ at }) => ({ at, value: quiet(at) })),
          })),
        },
      ]
    }
    await world.run(alarmOf(), { policy })
    world.now += 30 * SECOND
    await world.run(alarmOf({ id: "again", at: world.now }), { policy })
    expect((await state()).latches).toEqual({ "npu-busy": NOW })
  })
})

describe("recorded approvals", () => {
  const policy = policyOf({ approval: { above: { amount: 100_000, currency: "CNY" } } })

  it("a recorded approval serves one attempt of the next tick, even if the approver's clock is ahead", async () => {
    const asked = await world.run(undefined, { policy })
    expect(asked.decision.heldBy).toBe("approval-needed")
    const approve = async () => {
      world.now += 50 * SECOND
      await world.say({ verb: "approve", planHash: asked.plan?.hash ?? "", by: "boss" })
      world.now -= 50 * SECOND
    }
    await approve()
    world.outcomes = [{ kind: "not-sent", reason: "refused", says: "connection refused" }]
    expect((await world.run(undefined, { policy })).outcome).toMatchObject({ kind: "not-sent" })
    expect((await world.run(undefined, { policy })).decision.heldBy).toBe("approval-needed")
    world.now += 2 * MINUTE
    expect((await world.run(undefined, { policy })).decision.heldBy).toBe("approval-needed")
    expect(world.orders).toHaveLength(1)
  })

  it("an approval by the requester does not count", async () => {
    const shown = await world.run(requestOf(), { policy })
    await world.say({ verb: "approve", planHash: shown.plan?.hash ?? "", by: "ops@example.com" })
    const live = requestOf({ id: "r2", mode: "live", planHash: shown.plan?.hash ?? "" })
    expect((await world.run(live, { policy })).decision.heldBy).toBe("approval-needed")
  })

  it("an approval is requested again, on record, if the plan has changed", async () => {
    await world.run(undefined, { policy })
    world.now += MINUTE
    const other = policyOf({
      approval: { above: { amount: 100_000, currency: "CNY" } },
      order: { image_id: "a4059eb4-c2f5-46a8-9b33-6cbed5d3fc81" },
    })
    await world.run(undefined, { policy: other })
    const hashes = (await world.entries()).map((entry) => entry.plan?.hash)
    expect(new Set(hashes).size).toBe(2)
  })
})

describe("the outcome of a purchase", () => {
  it("settling an attempt gives up with an error if other runs keep writing until the time is over", async () => {
    world.interference.beforeAppend = async (entry) => {
      if (entry.kind !== "settled") return undefined
      world.now += 10 * SECOND
      return "conflict"
    }
    const failed = world.run(alarmOf())
    await expect(failed).rejects.toThrow(/stays open and its outcome counts as unknown/)
    await expect(failed).rejects.toMatchObject({
      cause: { message: "other runs kept writing to the ledger" },
    })
    expect(world.orders).toHaveLength(1)
  })
})
