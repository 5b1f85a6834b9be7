import { beforeEach, describe, expect, it } from "vitest"
import { decide } from "../../lib/decision/decide.ts"
import type { Situation } from "../../lib/decision/situation.ts"
import { EMPTY_STATE, type SupernodeState } from "../../lib/decision/state/state.ts"
import { canonicalText, digest } from "../../lib/digest.ts"
import { supernodeStream } from "../../lib/ledger/next-entry.ts"
import type { RunResult } from "../../lib/run/result.ts"
import {
  alarmOf,
  DAY,
  HOUR,
  MINUTE,
  offersOf,
  type PolicyInput,
  policyOf,
  SECOND,
  scheduleInput,
  serverOf,
  supernodeOf,
  tickOf,
} from "../decision/builders.ts"
import { rejected, unknown, World } from "./world.ts"

// A floor of four servers begins on Monday, 15 January 2024, at 08:00 in Shanghai. Two servers are present,
// and the load is always low.

const EIGHT = Date.parse("2024-01-15T00:00:00Z")
const policyWith = (floor: Parameters<typeof scheduleInput>[0] = {}, over: Partial<PolicyInput> = {}) =>
  policyOf({ schedules: [scheduleInput(floor)], ...over }, { timezone: "Asia/Shanghai" })
const policy = policyWith()
const STREAM = supernodeStream(policy.id)
let world: World

beforeEach(async () => {
  world = await World.open()
  world.now = EIGHT
  world.load = 10
})

const tick = (over: Parameters<World["run"]>[1] = {}): Promise<RunResult> =>
  world.run(tickOf({ id: world.newId(), at: world.now }), { policy, ...over })
const held = async (over: Parameters<World["run"]>[1] = {}) => (await tick(over)).decision.heldBy
const state = async () => (await world.ledger.head(STREAM))?.standing as SupernodeState
const pass = (ms: number) => {
  world.now += ms
}

/** Deletes the servers that were bought. */
function removeByHand(): void {
  const servers = ["s1", "s2", "s3", "s4"].map((id) => serverOf(id, id > "s2" ? { status: "DELETED" } : {}))
  world.supernode = { ok: true, value: supernodeOf({ servers }), skewMs: 0 }
}

describe("a tick during an active floor", () => {
  it("buys once for a floor: not before it starts, and not again after the order or after its servers are deleted", async () => {
    pass(-SECOND)
    expect(await held()).toBe("not-breaching")
    pass(SECOND)
    expect(await tick()).toMatchObject({
      decision: { kind: "scale-up" },
      plan: { from: 2, to: 4 },
      outcome: { kind: "accepted" },
    })
    const opened = (await world.entries()).find(({ kind }) => kind === "opened")
    expect(opened?.decision?.target?.schedules).toEqual([
      { schedule: "day", occurrence: "2024-01-15T08:00", atLeast: 4 },
    ])
    pass(5 * MINUTE)
    expect(await held()).toBe("in-flight")
    world.deliver(4)
    pass(5 * MINUTE)
    expect(await held()).toBe("cooldown")
    pass(2 * HOUR)
    expect(await held()).toBe("not-breaching")
    removeByHand()
    pass(HOUR)
    expect(await held()).toBe("not-breaching")
    expect(world.orders).toHaveLength(1)

    pass(EIGHT + DAY - world.now)
    expect(await tick()).toMatchObject({ plan: { from: 2, to: 4 }, outcome: { kind: "accepted" } })
    expect(world.orders).toHaveLength(2)
    expect(Object.keys((await state()).acted ?? {})).toEqual([
      "day 2024-01-15T08:00 4",
      "day 2024-01-16T08:00 4",
    ])
  })

  it("a floor that is raised after its purchase buys again in the same window, and a lowered floor does not", async () => {
    const prices = { currency: "CNY", per: "month" } as const
    const ladder = [2, 4, 8].map((servers) => ({
      flavor: `rung-${servers}`,
      servers,
      price: { amount: servers * 60_000, ...prices },
    }))
    world.offers = { ok: true, value: offersOf("rung-4", "rung-8"), skewMs: 0 }
    const floor = (atLeast: number) => ({ policy: policyWith({ at_least: atLeast }, { ladder }) })
    await tick(floor(4))
    world.deliver(4)
    pass(2 * HOUR)
    expect(await held(floor(4))).toBe("not-breaching")
    expect(await held(floor(3))).toBe("not-breaching")
    expect(await held(floor(8))).toBe("policy-conflict")
    pass(6 * MINUTE)
    expect(await tick(floor(8))).toMatchObject({
      plan: { from: 4, to: 8 },
      outcome: { kind: "accepted" },
    })
    expect(world.orders).toHaveLength(2)
  })

  it("a floor buys nothing the next day if all servers are still present", async () => {
    await tick()
    world.deliver(4)
    pass(DAY)
    await tick()
    pass(5 * MINUTE)
    expect(await held()).toBe("already-there")
    expect(world.orders).toHaveLength(1)
  })

  it("a floor buys at the first reading during its schedule, and never after the schedule", async () => {
    pass(9 * HOUR + 59 * MINUTE)
    expect(await tick()).toMatchObject({ plan: { to: 4 } })
    const late = await World.open()
    late.now = EIGHT + 10 * HOUR
    late.load = 10
    expect((await late.run(tickOf({ at: late.now }), { policy })).decision.heldBy).toBe("not-breaching")
  })

  it("a floor and an alarm in the same second buy once together", async () => {
    const alarm = alarmOf({ at: world.now })
    const signals = [alarm, tickOf({ id: "tick-a", at: world.now }), tickOf({ id: "tick-b", at: world.now })]
    const results = await Promise.all(signals.map((signal) => world.run(signal, { policy })))
    expect(results.filter(({ outcome }) => outcome)).toHaveLength(1)
    expect(world.orders).toHaveLength(1)
  })

  it("a purchase for a floor records all inputs, so that its decision can be replayed byte for byte", async () => {
    await tick()
    const [opened] = await world.entries()
    const { situation, policy } = opened ?? {}
    const again = decide({ ...situation, policy, state: EMPTY_STATE } as Situation, digest)
    expect(canonicalText(again)).toBe(canonicalText(opened?.decision))
  })
})

describe("a schedule start without a purchase", () => {
  it("a schedule's start may buy again if its order was not sent", async () => {
    world.outcomes = [{ kind: "not-sent", reason: "refused", says: "connection refused" }]
    await tick()
    expect((await state()).acted).toEqual({})
    pass(5 * MINUTE)
    expect(await tick()).toMatchObject({ outcome: { kind: "accepted" } })
  })

  it("a schedule's start may buy again if its order was refused for capacity, once the flavor is free again", async () => {
    world.outcomes = [rejected("capacity")]
    await tick()
    pass(MINUTE)
    expect(await held()).toBe("flavor-blocked")
    pass(5 * MINUTE)
    expect(await tick()).toMatchObject({ outcome: { kind: "accepted" } })
  })

  it("a schedule's start may buy again if a person settles its unknown order as absent", async () => {
    world.outcomes = [unknown]
    await tick()
    pass(5 * MINUTE)
    expect(await held()).toBe("outcome-unknown")
    expect(Object.keys((await state()).acted ?? {})).toHaveLength(1)
    const attempt = (await state()).attempt?.id ?? ""
    const servers = ["s1", "s2"]
    await world.say({ verb: "settle", as: "absent", attempt, servers, why: "no such order", by: "ops" })
    expect((await state()).acted).toEqual({})
    pass(5 * MINUTE)
    expect(await tick()).toMatchObject({ outcome: { kind: "accepted" } })
    expect(world.orders).toHaveLength(2)
  })

  it("a schedule whose order was refused as invalid is off until the policy changes or a person resets it", async () => {
    world.outcomes = [rejected("invalid"), rejected("invalid")]
    await tick()
    pass(5 * MINUTE)
    expect(await held()).toBe("latched")
    pass(16 * MINUTE)
    const changed = policyWith({}, { warmup: "1m" })
    expect(await tick({ policy: changed })).toMatchObject({ outcome: { kind: "rejected" } })
    pass(5 * MINUTE)
    expect(await held({ policy: changed })).toBe("latched")
    await world.say({ verb: "reset", why: "the image is back", by: "ops" })
    pass(5 * MINUTE)
    expect(await tick({ policy: changed })).toMatchObject({ outcome: { kind: "accepted" } })
  })
})

describe("a tick while cooling down", () => {
  /** Two servers that a person created ten minutes ago. */
  const cooling = () => {
    const servers = ["s1", "s2"].map((id) => serverOf(id, { createAt: EIGHT - 10 * MINUTE }))
    world.supernode = { ok: true, value: supernodeOf({ servers }), skewMs: 0 }
  }

  it("a tick that cools down makes no cloud call for a floor that respects the cooldown", async () => {
    cooling()
    expect(await held()).toBe("cooldown")
    world.asked = []
    pass(5 * MINUTE)
    expect(await held()).toBe("cooldown")
    expect(world.asked).toEqual([])
  })

  it("a tick that cools down buys for a floor that bypasses the cooldown", async () => {
    cooling()
    expect(await held()).toBe("cooldown")
    world.asked = []
    pass(16 * MINUTE)
    expect(await tick({ policy: policyWith({ cooldown: "bypass" }) })).toMatchObject({
      plan: { from: 2, to: 4 },
      outcome: { kind: "accepted" },
    })
    expect(world.asked).toEqual(["supernode", "metrics", "offers", "buy"])
    const [, opened] = await world.entries()
    expect(opened?.decision?.findings.find(({ gate }) => gate === "cooldown-over")).toMatchObject({
      passed: true,
      facts: { bypassed: true, schedules: ["day"] },
    })
  })

  it("a tick that cools down reads only the servers if they already meet a floor that bypasses the cooldown", async () => {
    cooling()
    await tick()
    world.asked = []
    pass(5 * MINUTE)
    expect(await held({ policy: policyWith({ cooldown: "bypass", at_least: 2 }) })).toBe("cooldown")
    expect(world.asked).toEqual(["supernode"])
  })

  it("a tick that cools down makes no cloud call after a purchase for a floor that bypasses the cooldown", async () => {
    const bypass = policyWith({ cooldown: "bypass" })
    await tick({ policy: bypass })
    world.deliver(4)
    pass(5 * MINUTE)
    await tick({ policy: bypass })
    world.asked = []
    pass(5 * MINUTE)
    expect(await held({ policy: bypass })).toBe("cooldown")
    expect(world.asked).toEqual([])
  })
})
