import { beforeEach, describe, expect, it } from "vitest"
import type { SupernodeState } from "../../lib/decision/state/state.ts"
import { supernodeStream } from "../../lib/ledger/next-entry.ts"
import type { RunResult } from "../../lib/run/result.ts"
import {
  alarmOf,
  HOUR,
  MINUTE,
  NOW,
  offersOf,
  type PolicyInput,
  policyOf,
  requestOf,
  tickOf,
} from "../decision/builders.ts"
import { World } from "./world.ts"

// From the first purchase to the efficacy stop, a person's reset, and the next purchase. Ticks that hold
// measure the metric.

const FIVE = 5 * MINUTE
const ladder = [2, 4, 8, 16, 32].map((servers) => ({ flavor: `rung-${servers}`, servers }))
const policyWith = (over: Partial<PolicyInput> = {}) =>
  policyOf({
    ladder,
    limits: { actions: "9 per 24h", servers: 48 },
    efficacy: { purchases: 2, min_gain: 5 },
    ...over,
  })
const policy = policyWith()
const STREAM = supernodeStream(policy.id)
let world: World

beforeEach(async () => {
  world = await World.open()
  world.offers = { ok: true, value: offersOf(...ladder.map(({ flavor }) => flavor)), skewMs: 0 }
})

const tick = (over: Parameters<World["run"]>[1] = {}): Promise<RunResult> =>
  world.run(tickOf({ id: world.newId(), at: world.now }), { policy, ...over })

async function state(): Promise<SupernodeState> {
  return (await world.ledger.head(STREAM))?.standing as SupernodeState
}

const gains = async () => (await state()).effects?.map(({ gain }) => gain)
const orders = () => world.orders.map(({ plan }) => plan.to)

/** Ticks every five minutes until a purchase is complete and its waits are over. */
async function afterPurchase(to: number, load: number): Promise<RunResult> {
  let last = await tick()
  expect(orders().at(-1)).toBe(to)
  world.now += FIVE
  world.deliver(to)
  world.load = load
  for (let minutes = 0; minutes < 60; minutes += 5) {
    last = await tick()
    world.now += FIVE
  }
  return last
}

describe("purchases that do not help", () => {
  it("two purchases in a row that do not help stop automatic buying until a person resets it", async () => {
    await afterPurchase(4, 95.8)
    expect(await gains()).toEqual([1.2])
    await afterPurchase(8, 95.4)
    expect(await gains()).toEqual([1.2, 0.4])

    expect(await tick()).toMatchObject({ decision: { kind: "hold", heldBy: "efficacy" } })
    const alarm = await world.run(alarmOf({ at: world.now }), { policy })
    expect(alarm.decision.heldBy).toBe("efficacy")
    world.now += 10 * HOUR
    expect((await tick()).decision.findings.find(({ reason }) => reason === "efficacy")?.says).toBe(
      "the last 2 purchases moved npu-busy by 1.2 and by 0.4; at least 5 is required. Automatic purchases stop until an operator runs the command `reset`",
    )
    expect(orders()).toEqual([4, 8])

    await world.say({ verb: "reset", why: "the job was waiting for its data", by: "ops" })
    expect(await tick()).toMatchObject({ plan: { to: 16 }, outcome: { kind: "accepted" } })
    expect(await gains()).toEqual([])
  })

  it("an efficacy stop after purchases that did not help does not stop a person's requests", async () => {
    await afterPurchase(4, 95.8)
    await afterPurchase(8, 95.4)
    const shown = await world.run(requestOf({ servers: 16, at: world.now }), { policy })
    const live = requestOf({
      id: "r2",
      servers: 16,
      at: world.now,
      mode: "live",
      planHash: shown.plan?.hash ?? "",
    })
    expect(await world.run(live, { policy })).toMatchObject({ outcome: { kind: "accepted" } })
    expect((await state()).attempt).not.toHaveProperty("cause")
  })

  it("automatic buying continues while one of the last two purchases helped", async () => {
    await afterPurchase(4, 88)
    await afterPurchase(8, 87)
    expect(await gains()).toEqual([9, 1])
    expect(await tick()).toMatchObject({ plan: { to: 16 }, outcome: { kind: "accepted" } })
  })
})

describe("the measurement of an effect", () => {
  it("a purchase's effect is measured once, when all its periods began after warm-up, even during the cooldown", async () => {
    await tick()
    world.now += FIVE
    world.deliver(4)
    const completedAt = world.now
    await tick()
    world.load = 90
    for (;;) {
      world.asked = []
      world.now += FIVE
      expect((await tick()).decision.heldBy).toBe("cooldown")
      if (world.asked.length > 0) break
    }
    expect(world.asked).toEqual(["supernode", "metrics"])
    // 15 minutes of warm-up, five periods of five minutes, a minute of lag; the ticks are five minutes apart.
    expect(world.now - completedAt).toBe(45 * MINUTE)
    expect((await world.entries()).at(-1)).toMatchObject({
      kind: "observed",
      mode: "live",
      observation: { kind: "effect", says: "moved npu-busy by 7, from 97 to 90" },
    })
    world.asked = []
    world.load = 99
    world.now += FIVE
    await tick()
    expect([world.asked, await gains()]).toEqual([[], [7]])
  })

  it("measuring an effect writes no entry other than the measurement if the tick's hold is already recorded", async () => {
    await tick()
    world.now += FIVE
    world.deliver(4)
    await tick()
    const before = (await world.entries()).length
    world.now += 45 * MINUTE
    await tick()
    expect((await world.entries()).slice(before).map(({ observation }) => observation?.kind)).toEqual([
      "effect",
    ])
  })

  it("a tick that measures an effect reads everything again if another run wrote an entry meanwhile", async () => {
    await tick()
    world.now += FIVE
    world.deliver(4)
    await tick()
    world.now += 45 * MINUTE
    world.asked = []
    let tries = 0
    world.interference.beforeAppend = async ({ observation }) =>
      observation?.kind === "effect" && ++tries === 1 ? "conflict" : undefined
    expect((await tick()).decision.heldBy).toBe("cooldown")
    expect(world.asked).toEqual(["supernode", "metrics", "supernode", "metrics"])
    expect([tries, await gains()]).toEqual([2, [0]])
  })

  it("every tick tries to measure an effect until the metric has data, and gate efficacy holds meanwhile", async () => {
    await afterPurchase(4, 95)
    await tick()
    world.now += FIVE
    world.deliver(8)
    world.load = null
    await tick()
    world.now += 2 * HOUR
    for (let i = 0; i < 3; i++) {
      world.asked = []
      world.now += FIVE
      expect((await tick()).decision.heldBy).toBe("efficacy")
      expect(world.asked).toEqual(["supernode", "metrics"])
    }
    world.load = 86
    expect(await tick()).toMatchObject({ plan: { to: 16 }, outcome: { kind: "accepted" } })
    expect(await gains()).toEqual([2, 9])
  })

  it("a dry run measures an effect and decides like a live run, and writes nothing", async () => {
    await afterPurchase(4, 95)
    await tick()
    world.now += FIVE
    world.deliver(8)
    await tick()
    world.now += 2 * HOUR
    const before = (await world.entries()).length
    const dry = await tick({ mode: "dry-run" })
    expect(await world.entries()).toHaveLength(before)
    const live = await tick()
    expect(dry.decision.heldBy).toBe("efficacy")
    expect(live.decision.findings.find(({ gate }) => gate === "efficacy")).toEqual(
      dry.decision.findings.find(({ gate }) => gate === "efficacy"),
    )
  })

  it("does not buy again until the effect of the last purchase can be measured", async () => {
    const hasty = policyWith({ cooldown: "0s", min_interval: "0s", efficacy: { purchases: 1, min_gain: 5 } })
    await tick({ policy: hasty })
    world.now += FIVE
    world.deliver(4)
    await tick({ policy: hasty })
    // Three of five periods are warm and breaching: the evidence would already be enough.
    world.now += 35 * MINUTE
    world.load = 90
    const alarm = await world.run(alarmOf({ at: world.now }), { policy: hasty })
    expect(alarm.decision.heldBy).toBe("efficacy")
    world.now += 10 * MINUTE
    expect(await tick({ policy: hasty })).toMatchObject({ plan: { to: 8 }, outcome: { kind: "accepted" } })
    expect(await gains()).toEqual([7])
  })

  it("an effect is recorded once if another run measured it first", async () => {
    await afterPurchase(4, 95)
    await tick()
    world.now += FIVE
    world.deliver(8)
    await tick()
    world.now += 2 * HOUR
    let rivals = 1
    world.interference.beforeAppend = async (entry) => {
      if (entry.observation?.kind !== "effect" || rivals-- <= 0) return undefined
      await tick()
      return undefined
    }
    expect((await tick()).decision.heldBy).toBe("efficacy")
    const effects = (await world.entries()).filter(({ observation }) => observation?.kind === "effect")
    expect(effects).toHaveLength(2)
  })
})

describe("notifications of the efficacy stop", () => {
  it("operators are notified of the efficacy stop at most hourly, with its end command, until a person resets", async () => {
    world.listen()
    await afterPurchase(4, 95.8)
    await afterPurchase(8, 95.4)
    expect(world.notices).toHaveLength(1)
    expect(world.notices[0]).toMatchObject({
      state: "efficacy",
      says: "the last 2 purchases moved npu-busy by 1.2 and by 0.4; at least 5 is required. Automatic purchases stop until an operator runs the command `reset`",
      todo: "supernode-autoscaler reset train-a --why TEXT --by WHO",
      attempt: world.orders[1]?.attempt,
    })
    world.now += HOUR
    await tick()
    expect(world.notices).toHaveLength(2)
    await world.say({ verb: "reset", why: "w", by: "ops" })
    world.now += 2 * HOUR
    world.load = 10
    await tick()
    expect(world.notices).toHaveLength(2)
  })
})

describe("a policy without an efficacy rule", () => {
  it("a policy without an efficacy rule records no effects, and a tick that cools down makes no cloud call", async () => {
    const plain = policyWith({ efficacy: undefined })
    await tick({ policy: plain })
    world.now += FIVE
    world.deliver(4)
    await tick({ policy: plain })
    world.now += 50 * MINUTE
    world.asked = []
    await tick({ policy: plain })
    expect([world.asked, await gains()]).toEqual([[], undefined])
  })
})

it("the time NOW of the tests is the start of a metric's period, so that periods can be counted from it", () => {
  expect(NOW % FIVE).toBe(0)
})
