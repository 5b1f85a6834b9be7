import { EventEmitter, once } from "node:events"
import { describe, expect, it } from "vitest"
import { fleetTurns } from "../../lib/app/fleet-turns.ts"

/** Turns whose time ends when the test says so, and work that ends when the test says so. */
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
  it("go in the order in which they were asked for, one at a time", async () => {
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

  it("go on after one that fails, whose caller learns of it", async () => {
    const { begin } = turns()
    const [first, second] = [begin("first"), begin("second")]
    first.fail()
    second.end()
    await expect(first.result).rejects.toThrow("first")
    expect(await second.result).toBe("second")
  })

  it("are passed on after their time, and one that hung until then may still end", async () => {
    const { began, begin, timeOut } = turns()
    const [hanging, second, third] = [begin("hanging"), begin("second"), begin("third")]
    await settled()
    timeOut()
    await settled()
    expect(began).toEqual(["hanging", "second"])
    hanging.end()
    await settled()
    // Its end passes on no turn but its own.
    expect(began).toEqual(["hanging", "second"])
    second.end()
    third.end()
    expect(await Promise.all([hanging.result, second.result, third.result])).toHaveLength(3)
  })
})
