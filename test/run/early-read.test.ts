import { beforeEach, describe, expect, it } from "vitest"
import type { Signal } from "../../lib/decision/inputs/signal.ts"
import { alarmOf, MINUTE, requestOf, SECOND, serverOf, supernodeOf, tickOf } from "../decision/builders.ts"
import { unreachable, World } from "./world.ts"

let world: World

beforeEach(async () => {
  world = await World.open()
})

/** Runs an alarm of now, and `meanwhile` between its first cloud call and the ledger's response. */
async function alarmWith(meanwhile: () => Promise<void>) {
  world.asked = []
  let isFirst = true
  world.interference = {
    beforeHead: async (stream) => {
      if (!isFirst || !stream.startsWith("supernode:")) return
      isFirst = false
      await meanwhile()
    },
  }
  const result = await world.run(alarmOf({ id: world.newId(), at: world.now }))
  world.interference = {}
  return { result, reads: world.asked.filter((asked) => asked === "supernode").length }
}

/** A chain whose newest entry is a hold. */
async function held(): Promise<void> {
  world.load = 10
  await world.run()
  world.load = 97
}

describe("an alarm whose supernode is read at the same time as the heads", () => {
  it("an alarm buys by what it read of the supernode before the heads, if the newest entry is over a minute old", async () => {
    await held()
    world.now += MINUTE + SECOND
    const { result, reads } = await alarmWith(async () => {})
    expect([result.outcome?.kind, reads]).toEqual(["accepted", 1])
  })

  it("an alarm reads the supernode again if another process has appended within the last minute", async () => {
    await held()
    world.now += 5 * MINUTE
    const { reads } = await alarmWith(async () => {
      world.lastRuns.clear()
      world.load = null
      world.interference = {}
      await world.run(tickOf({ id: "other", at: world.now }))
      world.load = 97
      const servers = [serverOf("s1"), serverOf("s2"), serverOf("s3"), serverOf("s4")]
      world.supernode = { ok: true, value: supernodeOf({ servers }), skewMs: 0 }
      world.asked = ["supernode"]
    })
    // By the early response, with two servers, the run would have bought the rung that is already there.
    expect([world.orders, reads]).toEqual([[], 2])
  })

  it("an alarm reads the supernode again if the newest entry holds an attempt, however old it is", async () => {
    await world.run()
    world.now += 20 * MINUTE
    world.lastRuns.clear()
    const { reads } = await alarmWith(async () => {
      world.deliver(4)
    })
    const observed = (await world.entries()).flatMap(({ observation }) => observation?.kind ?? [])
    expect([observed, reads]).toEqual([["completed"], 2])
  })

  it("an alarm reads the supernode again if the process was frozen between the cloud's and the ledger's response", async () => {
    await held()
    world.now += 5 * MINUTE
    const { reads } = await alarmWith(async () => {
      world.now += 11 * SECOND
    })
    expect(reads).toBe(2)
  })
})

describe("a supernode that is not read at the same time as the heads", () => {
  it.each([
    ["by a tick", () => tickOf({ id: "t", at: world.now })],
    ["by an OK of an alarm", () => alarmOf({ id: "o", at: world.now, state: "ok" })],
  ])("the supernode is not read before the ledger's heads %s", async (_who, signal) => {
    world.interference.beforeHead = async () => {
      throw new Error("the store is unreachable")
    }
    await expect(world.run(signal())).rejects.toThrow("unreachable")
    expect(world.asked).toEqual([])
  })

  /** The cloud calls of this signal before the heads are known. */
  async function readsBefore(signal: Signal): Promise<string[]> {
    world.interference.beforeHead = async () => unreachable()
    world.asked = []
    await expect(world.run(signal)).rejects.toThrow("unreachable")
    world.interference = {}
    return world.asked
  }

  it("the supernode is not read before the ledger's heads by a process that knows of an attempt", async () => {
    await world.run()
    world.now += 20 * MINUTE
    expect(await readsBefore(alarmOf({ id: "a", at: world.now }))).toEqual([])
    expect(await readsBefore(requestOf({ id: "r", at: world.now }))).toEqual([])
  })

  it.each([
    [MINUTE, ["supernode"]],
    [MINUTE - 1, []],
  ])(
    "an alarm reads the supernode before the heads if no entry of the last minute is known: %i ms old, reads %o",
    async (ms, reads) => {
      await held()
      world.now += ms
      expect(await readsBefore(alarmOf({ id: "a", at: world.now }))).toEqual(reads)
    },
  )

  it("if the ledger's state alone held the last alarm, the next alarm reads the heads before the supernode", async () => {
    await world.say({ verb: "pause", supernode: null, why: "w", by: "ops", until: null })
    await world.run(alarmOf())
    world.now += 2 * MINUTE
    expect(await readsBefore(alarmOf({ id: "a", at: world.now }))).toEqual([])
    expect(await readsBefore(requestOf({ id: "r", at: world.now }))).toEqual(["supernode"])
  })

  it("the supernode is not read before the ledger's heads by a process that remembers nothing", async () => {
    Object.assign(world, { lastRuns: undefined })
    expect(await readsBefore(alarmOf())).toEqual([])
    expect((await world.run(alarmOf())).outcome?.kind).toBe("accepted")
  })
})

it("a run holds if its first read of the supernode throws, and throws if the ledger's heads cannot be read either", async () => {
  world.cloud.readSupernode = async () => {
    throw new Error("boom")
  }
  const { decision } = await world.run(alarmOf())
  expect(decision.heldBy).toBe("supernode-unreadable")
  expect(decision.findings.find(({ gate }) => gate === "supernode-ready")?.says).toContain("boom")
  world.now += 2 * MINUTE
  world.interference.beforeHead = async () => unreachable()
  await expect(world.run(alarmOf({ id: "a", at: world.now }))).rejects.toThrow("unreachable")
})
