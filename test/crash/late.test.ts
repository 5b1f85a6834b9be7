import { describe, expect, it } from "vitest"
import { commandSupernode } from "../../lib/ledger/commands.ts"
import { MINUTE } from "../decision/builders.ts"
import { loadedOf } from "../world/task.ts"
import { costOf, crashPolicy, Environment } from "./environment.ts"
import type { Fault } from "./faults.ts"
import { newAlarm, newTick, PAST_DEADLINE_MS, runSignal, standingAt } from "./runs.ts"
import { Worker } from "./worker.ts"

// A case that no program can exclude: an order that appears after a person had checked and said that it was
// never placed. It must be found, reported, booked, and hold everything.

function openPlace(): Environment {
  return new Environment(loadedOf(crashPolicy()))
}

async function tick(environment: Environment): Promise<string | null> {
  return (await runSignal(environment, new Worker(environment).ports, newTick(environment))).decision.heldBy
}

/**
 * Stops a worker at its purchase and, past the deadline, settles the attempt as absent. Returns a function
 * that lets the worker continue.
 */
async function settledAsAbsent(environment: Environment, fault: Fault): Promise<() => Promise<unknown>> {
  const worker = new Worker(environment, { at: "sendOnce cloud.buy", fault })
  const ended = runSignal(environment, worker.ports, newAlarm(environment))
  await worker.stopped
  environment.now += PAST_DEADLINE_MS
  expect(await tick(environment)).toBe("outcome-unknown")
  const attempt = standingAt(environment).attempt?.id ?? ""
  const said = {
    verb: "settle" as const,
    attempt,
    as: "absent" as const,
    why: "nothing in the console",
    by: "ops",
    servers: ["s1", "s2"],
  }
  await commandSupernode(new Worker(environment).ports, environment.stream, { said, check: () => {} })
  return () => {
    worker.goOn()
    return ended
  }
}

function booked(environment: Environment): number {
  return standingAt(environment).purchases.reduce((sum, { cost }) => sum + (cost?.minor ?? 0), 0) / 100
}

const spent = (environment: Environment) => environment.taken.reduce((sum, order) => sum + costOf(order), 0)

describe("an order that a person said was never placed", () => {
  it("an order settled as absent is booked and holds as wrong when its response comes after all", async () => {
    const environment = openPlace()
    const goOn = await settledAsAbsent(environment, { kind: "freezes", after: true, until: "settled" })
    await goOn()
    expect(booked(environment)).toBe(spent(environment))
    expect(await tick(environment)).toBe("wrong")
    expect(environment.posts).toHaveLength(1)
  })

  it("an order settled as absent is booked and holds as wrong when its servers are found", async () => {
    const environment = openPlace()
    await settledAsAbsent(environment, { kind: "dies", after: true })
    expect(await tick(environment)).toBe("wrong")
    expect(booked(environment)).toBe(spent(environment))
    expect(environment.posts).toHaveLength(1)
  })

  it("an order settled as absent is found even if it reached the cloud late, after the last check of the clock", async () => {
    const environment = openPlace()
    const goOn = await settledAsAbsent(environment, { kind: "freezes-on-the-wire", until: "settled" })
    await goOn()
    expect(environment.posts).toHaveLength(1)
    expect(environment.watch.mostPosts).toBe(1)
    expect(booked(environment)).toBe(spent(environment))
    expect(await tick(environment)).toBe("wrong")
  })

  it("an order settled as absent is booked even after the next purchase, and holds once that purchase is complete", async () => {
    const environment = openPlace()
    const goOn = await settledAsAbsent(environment, { kind: "freezes-on-the-wire", until: "settled" })
    expect(await tick(environment)).toBeNull()
    await goOn()
    expect(environment.posts.map((post) => post.to)).toEqual([4, 4])
    expect(environment.watch.mostPosts).toBe(1)
    expect(standingAt(environment).purchases).toHaveLength(2)
    expect(booked(environment)).toBe(spent(environment))
    environment.now += 10 * MINUTE
    expect(await tick(environment)).toBe("wrong")
  })
})
