import { beforeEach, describe, expect, it } from "vitest"
import { alarmOf, MINUTE, requestOf, SECOND, serverOf, supernodeOf, tickOf } from "../decision/builders.ts"
import { World } from "./world.ts"

let world: World

beforeEach(async () => {
  world = await World.open()
})

/** Runs an alarm of now, while `meanwhile` happens between its first call and the answer of the ledger. */
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

describe("an alarm whose supernode is read beside the heads", () => {
  it("buys by that read where the newest entry is more than a minute older", async () => {
    await held()
    world.now += MINUTE + SECOND
    const { result, reads } = await alarmWith(async () => {})
    expect([result.outcome?.kind, reads]).toEqual(["accepted", 1])
  })

  it("reads the supernode again where another process has appended within that minute", async () => {
    await held()
    world.now += 5 * MINUTE
    const { reads } = await alarmWith(async () => {
      world.lastLooks.clear()
      world.load = null
      world.interference = {}
      await world.run(tickOf({ id: "other", at: world.now }))
      world.load = 97
      const servers = [serverOf("s1"), serverOf("s2"), serverOf("s3"), serverOf("s4")]
      world.supernode = { ok: true, value: supernodeOf({ servers }), skewMs: 0 }
      world.asked = ["supernode"]
    })
    // The early answer had two servers, from which it would have bought the rung that is there already.
    expect([world.orders, reads]).toEqual([[], 2])
  })

  it("reads the supernode again where the newest entry holds an attempt, however old it is", async () => {
    await world.run()
    world.now += 20 * MINUTE
    world.lastLooks.clear()
    const { reads } = await alarmWith(async () => {
      world.deliver(4)
    })
    const observed = (await world.entries()).flatMap(({ observation }) => observation?.kind ?? [])
    expect([observed, reads]).toEqual([["completed"], 2])
  })

  it("reads the supernode again after the process was frozen between the two answers", async () => {
    await held()
    world.now += 5 * MINUTE
    const { reads } = await alarmWith(async () => {
      world.now += 11 * SECOND
    })
    expect(reads).toBe(2)
  })
})

describe("the supernode is not read beside the heads", () => {
  it.each([
    ["by a tick", () => tickOf({ id: "t", at: world.now })],
    ["by an OK of an alarm", () => alarmOf({ id: "o", at: world.now, state: "ok" })],
  ])("%s", async (_who, signal) => {
    world.interference.beforeHead = async () => {
      throw new Error("the store is unreachable")
    }
    await expect(world.run(signal())).rejects.toThrow("unreachable")
    expect(world.asked).toEqual([])
  })

  it("by an alarm or a request of a process that knows of an attempt", async () => {
    await world.run()
    world.now += 20 * MINUTE
    world.interference.beforeHead = async () => {
      throw new Error("the store is unreachable")
    }
    world.asked = []
    await expect(world.run(alarmOf({ id: "a", at: world.now }))).rejects.toThrow("unreachable")
    await expect(world.run(requestOf({ id: "r", at: world.now }))).rejects.toThrow("unreachable")
    expect(world.asked).toEqual([])
  })
})
