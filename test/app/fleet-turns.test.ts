import { EventEmitter, once } from "node:events"
import { describe, expect, it } from "vitest"
import { fleetTurns } from "../../lib/app/fleet-turns.ts"

/** Turns whose time limit passes when the test calls `timeOut`, and work that the test ends. */
function turns() {
  const ends: (() => void)[] = []
  const began: string[] = []
  const inFleetTurn = fleetTurns((_, call) => {
    ends.push(call)
    return () => undefined
  })
  const begin = (name: string) => {
    const ended = new EventEmitter()
    const work = once(ended, "end")
    const result = inFleetTurn(async () => {
      began.push(name)
      await work
      return name
    })
    return { result, end: () => ended.emit("end"), fail: () => ended.emit("error", new Error(name)) }
  }
  return { began, begin, timeOut: () => ends.at(-1)?.() }
}

const settled = () => new Promise(setImmediate)

describe("turns among the buyers of one process", () => {
  it("runs that buy in one process take turns one at a time, in the order in which they requested them", async () => {
    const { began, begin } = turns()
    const [first, second, third] = [begin("first"), begin("second"), begin("third")]
    third.end()
    await settled()
    expect(began).toEqual(["first"])
    first.end()
    await settled()
    expect(began).toEqual(["first", "second"])
    second.end()
    expect(await Promise.all([first.result, second.result, third.result])).toEqual([
      "first",
      "second",
      "third",
    ])
  })

  it("a run whose turn to buy fails passes the turn to the next run, and the failure reaches its caller", async () => {
    const { begin } = turns()
    const [first, second] = [begin("first"), begin("second")]
    first.fail()
    second.end()
    await expect(first.result).rejects.toThrow("first")
    expect(await second.result).toBe("second")
  })

  it("a turn to buy passes to the next run after its time limit, although the first run's work may still end", async () => {
    const { began, begin, timeOut } = turns()
    const [hanging, second, third] = [begin("hanging"), begin("second"), begin("third")]
    await settled()
    timeOut()
    await settled()
    expect(began).toEqual(["hanging", "second"])
    hanging.end()
    await settled()
    // Its late end does not end the turn of another buyer.
    expect(began).toEqual(["hanging", "second"])
    second.end()
    third.end()
    expect(await Promise.all([hanging.result, second.result, third.result])).toHaveLength(3)
  })
})
