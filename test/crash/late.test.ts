import { describe, expect, it } from "vitest"
import { commandSupernode } from "../../lib/ledger/commands.ts"
import { MINUTE } from "../decision/builders.ts"
import { loadedOf } from "../world/task.ts"
import type { Fault } from "./faults.ts"
import { costOf, crashPolicy, Place } from "./place.ts"
import { newAlarm, newTick, PAST_DEADLINE_MS, runSignal, standingAt } from "./runs.ts"
import { Worker } from "./worker.ts"

// A case that no program can exclude: an order that appears after a person had checked and said that it was
// never placed. It must be found, reported, booked, and hold everything.

function openPlace(): Place {
  return new Place(loadedOf(crashPolicy()))
}

async function tick(place: Place): Promise<string | null> {
  return (await runSignal(place, new Worker(place).ports, newTick(place))).decision.heldBy
}

/**
 * Stops a worker at its purchase and, past the deadline, settles the attempt as absent. Returns a function
 * that lets the worker continue.
 */
async function settledAsAbsent(place: Place, fault: Fault): Promise<() => Promise<unknown>> {
  const worker = new Worker(place, { at: "sendOnce cloud.buy", fault })
  const ended = runSignal(place, worker.ports, newAlarm(place))
  await worker.stopped
  place.now += PAST_DEADLINE_MS
  expect(await tick(place)).toBe("outcome-unknown")
  const attempt = standingAt(place).attempt?.id ?? ""
  const said = {
    verb: "settle" as const,
    attempt,
    as: "absent" as const,
    why: "nothing in the console",
    by: "ops",
    servers: ["s1", "s2"],
  }
  await commandSupernode(new Worker(place).ports, place.stream, { said, check: () => {} })
  return () => {
    worker.goOn()
    return ended
  }
}

function booked(place: Place): number {
  return standingAt(place).purchases.reduce((sum, { cost }) => sum + (cost?.minor ?? 0), 0) / 100
}

const spent = (place: Place) => place.taken.reduce((sum, order) => sum + costOf(order), 0)

describe("an order that a person said was never placed", () => {
  it("an order settled as absent is booked and holds as wrong when its response comes after all", async () => {
    const place = openPlace()
    const goOn = await settledAsAbsent(place, { kind: "freezes", after: true, until: "settled" })
    await goOn()
    expect(booked(place)).toBe(spent(place))
    expect(await tick(place)).toBe("wrong")
    expect(place.posts).toHaveLength(1)
  })

  it("an order settled as absent is booked and holds as wrong when its servers are found", async () => {
    const place = openPlace()
    await settledAsAbsent(place, { kind: "dies", after: true })
    expect(await tick(place)).toBe("wrong")
    expect(booked(place)).toBe(spent(place))
    expect(place.posts).toHaveLength(1)
  })

  it("an order settled as absent is found even if it was frozen on the wire, right after the last clock check", async () => {
    const place = openPlace()
    const goOn = await settledAsAbsent(place, { kind: "freezes-on-the-wire", until: "settled" })
    await goOn()
    expect(place.posts).toHaveLength(1)
    expect(place.watch.mostPosts).toBe(1)
    expect(booked(place)).toBe(spent(place))
    expect(await tick(place)).toBe("wrong")
  })

  it("an order settled as absent is booked even after the next purchase, and holds once that purchase is complete", async () => {
    const place = openPlace()
    const goOn = await settledAsAbsent(place, { kind: "freezes-on-the-wire", until: "settled" })
    expect(await tick(place)).toBeNull()
    await goOn()
    expect(place.posts.map((post) => post.to)).toEqual([4, 4])
    expect(place.watch.mostPosts).toBe(1)
    expect(standingAt(place).purchases).toHaveLength(2)
    expect(booked(place)).toBe(spent(place))
    place.now += 10 * MINUTE
    expect(await tick(place)).toBe("wrong")
  })
})
