import { beforeEach, describe, expect, it } from "vitest"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import type { RunResult } from "../../lib/run/result.ts"
import { alarmOf, DAY, HOUR, MINUTE, NOW, policyOf, requestOf, tickOf } from "../decision/builders.ts"
import { World } from "./world.ts"

// A new policy only observes for `arm_after`, counted from the first entry that was written under it.

const armed = policyOf({ arm_after: "24h" })
const other = policyOf({ arm_after: "24h", cooldown: "61m" })
let world: World

beforeEach(async () => {
  world = await World.open()
})

function tick(policy: Policy = armed, over: Parameters<World["run"]>[1] = {}): Promise<RunResult> {
  return world.run(tickOf({ id: world.newId(), at: world.now }), { policy, ...over })
}

async function request(policy: Policy = armed): Promise<RunResult> {
  const shown = await world.run(requestOf({ at: world.now }), { policy })
  const planHash = shown.plan?.hash ?? ""
  const live = requestOf({ id: world.newId(), at: world.now, mode: "live", planHash })
  return world.run(live, { policy })
}

describe("a new policy", () => {
  it("under a new policy, runs only observe until arm_after is over, to the millisecond, and then buy", async () => {
    expect((await tick()).mode).toBe("observe")
    world.now = NOW + DAY - 1
    expect((await tick()).mode).toBe("observe")
    world.now = NOW + DAY
    expect(await tick()).toMatchObject({ mode: "live", outcome: { kind: "accepted" } })
  })

  it("under a new policy, each result names the time when observing ends, whatever the decision is", async () => {
    const says =
      "this policy is new. Until 2024-01-13T17:00:00.000Z, runs only decide and record, because arm_after is 1d"
    expect(await tick()).toMatchObject({ decision: { kind: "scale-up" }, observed: says })
    world.now += HOUR
    world.load = 10
    expect(await tick()).toMatchObject({ decision: { kind: "hold" }, observed: says })
  })

  it("a new policy only records a person's live request, and the result says so", async () => {
    const result = await request()
    expect(result).toMatchObject({
      mode: "observe",
      observed: expect.stringContaining("Until 2024-01-13T17:00:00.000Z"),
      decision: { kind: "scale-up" },
      entry: { seq: 1 },
    })
    expect(result).not.toHaveProperty("outcome")
    expect(world.orders).toEqual([])
  })

  it.each([
    ["an alarm that holds", async () => world.run(alarmOf({ at: NOW }), { policy: armed }), 10],
    ["a tick that holds", async () => tick(), 10],
    ["a run in observe mode", async () => tick(armed, { mode: "observe" }), 97],
  ])("arm_after starts with the first run under a policy, even if that is %s", async (_, see, load) => {
    world.load = load
    await see()
    world.load = 97
    world.now += DAY
    expect(await tick()).toMatchObject({ mode: "live", outcome: { kind: "accepted" } })
  })

  it("arm_after starts with the first tick that makes a cloud call, not with a recorded tick that a pause held", async () => {
    world.load = 10
    await tick(other)
    await world.say({ verb: "pause", supernode: null, why: "w", by: "ops", until: NOW + HOUR })
    world.now += MINUTE
    await tick(other)
    world.now += MINUTE
    await tick(armed)
    expect((await world.entries()).map(({ policyHash }) => policyHash)).toHaveLength(3)
    world.now += HOUR
    await tick(armed)
    world.load = 97
    world.now += DAY - 1
    expect((await tick()).mode).toBe("observe")
    world.now += 1
    expect((await tick()).mode).toBe("live")
  })

  it("a dry run does not start arm_after, because it writes nothing", async () => {
    await tick(armed, { mode: "dry-run" })
    world.now += DAY
    expect((await tick()).mode).toBe("observe")
  })

  it("arm_after starts again from zero if a policy returns after another policy was in use", async () => {
    await tick()
    world.now += 12 * HOUR
    await tick(other)
    world.now += 13 * HOUR
    expect((await tick()).mode).toBe("observe")
    world.now += DAY - 1
    expect((await tick()).mode).toBe("observe")
    world.now += 1
    expect((await tick()).mode).toBe("live")
  })

  it("under a new policy that only observes, a tick still records that the attempt in flight has completed", async () => {
    const before = policyOf()
    await tick(before)
    world.now += 5 * MINUTE
    world.deliver(4)
    expect((await tick()).decision.heldBy).toBe("cooldown")
    expect((await world.entries()).map((entry) => entry.observation?.kind)).toContain("completed")
  })

  it("a new policy without arm_after buys at once", async () => {
    expect(await tick(policyOf())).toMatchObject({ mode: "live", outcome: { kind: "accepted" } })
  })
})

describe("SUPERNODE_MODE other than live", () => {
  it("observe mode overrides a live request, and the result says so", async () => {
    const shown = await world.run(requestOf())
    const live = requestOf({ id: "r2", mode: "live", planHash: shown.plan?.hash ?? "" })
    expect(await world.run(live, { mode: "observe" })).toMatchObject({
      mode: "observe",
      observed: expect.stringContaining("SUPERNODE_MODE is not live"),
      decision: { kind: "scale-up" },
    })
    expect(world.orders).toEqual([])
  })

  it("the result of a run that may buy, or of a dry run, does not mention observing", async () => {
    expect(await world.run(requestOf())).not.toHaveProperty("observed")
    expect(await world.run(requestOf(), { policy: armed })).not.toHaveProperty("observed")
    expect(await tick(policyOf())).not.toHaveProperty("observed")
  })
})
