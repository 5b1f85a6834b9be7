import { beforeEach, describe, expect, it } from "vitest"
import type { Signal } from "../../lib/decision/inputs/signal.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import { nextEntry, supernodeStream } from "../../lib/ledger/next-entry.ts"
import { readFirstDelivery } from "../../lib/run/duplicate.ts"
import type { RunTask } from "../../lib/run/task.ts"
import { alarmOf, DAY, HOUR, MINUTE, NOW, policyOf, requestOf, tickOf } from "../decision/builders.ts"
import { taskOf } from "../world/task.ts"
import { World } from "./world.ts"

// A repeated signal is found in the chain, whatever was written since.

const STREAM = supernodeStream(policyOf().id)
let world: World

beforeEach(async () => {
  world = await World.open()
})

describe("a signal that bought", () => {
  it("the repetition of a signal that bought gets the first result, even after other runs' entries", async () => {
    const first = await world.run(alarmOf())
    world.now += MINUTE
    await world.run()
    expect((await world.entries()).map(({ kind }) => kind)).toEqual(["opened", "settled", "decided"])
    const again = await world.run(alarmOf())
    expect(again).toMatchObject({
      decision: { heldBy: "duplicate" },
      outcome: first.outcome,
      plan: first.plan,
    })
    expect(again.entry).toEqual(first.entry)
  })

  it("a dry run reads the cloud for a signal that bought, and holds as duplicate", async () => {
    const { plan } = await world.run(requestOf())
    await world.run(requestOf({ id: "bought", mode: "live", planHash: plan?.hash ?? null }))
    world.asked = []
    const shown = await world.run(requestOf({ id: "bought", mode: "dry-run" }))
    expect([shown.decision.heldBy, world.asked]).toEqual(["duplicate", ["supernode", "metrics"]])
  })
})

describe("a person's request that comes again later than 15 minutes", () => {
  const policy = policyOf({ approval: { above: { amount: 1_000_000_000, currency: "CNY" }, expires: "4h" } })
  const live = async () => {
    const { plan } = await world.run(requestOf({ id: "shown", at: world.now }), { policy })
    return requestOf({ id: "ours", mode: "live", planHash: plan?.hash ?? null, at: world.now })
  }

  it("a live request that observe mode recorded is stale if it is repeated after 15 minutes", async () => {
    expect((await world.run(await live(), { policy, mode: "observe" })).decision.kind).toBe("scale-up")
    world.now += HOUR
    expect((await world.run(await live(), { policy })).decision.heldBy).toBe("stale")
    expect(world.orders).toEqual([])
  })

  it("a dry run with the id of an old request is not stale", async () => {
    await world.run(await live(), { policy, mode: "observe" })
    world.now += HOUR
    expect((await world.run({ ...(await live()), mode: "dry-run" }, { policy })).decision.heldBy).toBeNull()
  })
})

describe("the first delivery of a request", () => {
  const signal = requestOf({ id: "ours", mode: "live" })
  const taskWith = (one: Signal) => taskOf({ signal: one, policy: policyOf(), run: "r" })

  interface Chain {
    /** Number of entries. */
    seq: number
    /** Time of an entry. */
    at?: (seq: number) => number
    /** Positions of the decisions about this request; `beside`: positions of other entries of its runs. */
    ours?: number[]
    beside?: number[]
    task?: RunTask
  }

  /** Returns the time of the first delivery, and the pages that were read. Each read makes its entries. */
  async function lookBack({ seq, at = () => NOW, ours = [], beside = [], task = taskWith(signal) }: Chain) {
    const news = { at: NOW, run: "r", writer: "w", kind: "decided" as const, mode: "live" as const }
    const entry = nextEntry(STREAM, undefined, news)
    const pages: [number, number][] = []
    async function* read(_stream: string, { fromSeq = 1, toSeq = 1 } = {}): AsyncGenerator<LedgerEntry> {
      pages.push([fromSeq, toSeq])
      for (let one = fromSeq; one <= toSeq; one++)
        yield {
          ...entry,
          seq: one,
          at: at(one),
          kind: beside.includes(one) ? "observed" : "decided",
          ...([...ours, ...beside].includes(one) ? { signal } : {}),
        }
    }
    const ports = { ledger: { ...world.ledger, read } }
    const first = await readFirstDelivery(ports, task, { ...entry, seq, at: at(seq) })
    return { at: first?.at, pages }
  }

  it("a request's first delivery is searched back to the first entry, in pages of 200", async () => {
    const at = (seq: number) => NOW + seq
    expect(await lookBack({ seq: 401, at, ours: [3, 150, 401], beside: [2] })).toEqual({
      at: NOW + 3,
      pages: [
        [202, 401],
        [2, 201],
        [1, 1],
      ],
    })
  })

  it.each([
    [0, 3],
    [1, 1],
  ])(
    "a request's first delivery is searched in the last seven days of the chain: %i ms later, %i pages are read",
    async (more, count) => {
      const at = (seq: number) => (seq === 600 ? NOW : NOW - 7 * DAY - more)
      expect((await lookBack({ seq: 600, at })).pages).toHaveLength(count)
    },
  )

  it.each([
    ["an alarm", alarmOf()],
    ["a tick", tickOf()],
    ["a dry run", requestOf({ id: "ours" })],
  ])("%s does not search for a first delivery", async (_, one) => {
    expect(await lookBack({ seq: 9, ours: [1], task: taskWith(one) })).toEqual({ at: undefined, pages: [] })
  })

  it("a request's first delivery is searched in at most 5,000 entries", async () => {
    const { pages } = await lookBack({ seq: 20_000 })
    expect([pages.length, pages.at(-1)]).toEqual([25, [15_001, 15_200]])
  })
})
