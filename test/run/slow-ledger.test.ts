import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { buy } from "../../lib/huawei/purchase/live-scale-up.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import { MINUTE, policyOf, SECOND } from "../decision/builders.ts"
import { KEYS } from "../huawei/fixture.ts"
import { answer, says, startWire, type Wire } from "../huawei/wire.ts"
import { World } from "./world.ts"

// The real purchase client behind a real run, against a raw socket that accepts every order: the effect of a
// slow ledger.

const ACCEPTS = says(answer(200, { id: policyOf().id }))
let world: World
let wire: Wire

beforeEach(async () => {
  world = await World.open()
  wire = await startWire(ACCEPTS)
  world.cloud.buy = (order) => buy(order, { credentials: () => Promise.resolve(KEYS), clock: world.clock })
})
afterEach(() => wire.close())

const endpoint = () => `http://127.0.0.1:${wire.port}`

/** The append of the opened entry takes this long, and then it is stored. */
function openSlowly(ms: number): void {
  world.interference.beforeAppend = async (entry: LedgerEntry) => {
    if (entry.kind === "opened") world.now += ms
    return undefined
  }
}

const notifications = async () =>
  (await world.entries()).map(({ kind, outcome }) => [
    kind,
    outcome && "reason" in outcome ? outcome.reason : (outcome?.kind ?? null),
  ])

describe("an attempt that took too long to open", () => {
  it("an attempt that took too long to open is not sent, is settled as too late, and the next run buys", async () => {
    openSlowly(31 * SECOND)
    const result = await world.run(undefined, { endpoint: endpoint() })
    expect(result.outcome).toMatchObject({ kind: "not-sent", reason: "too-late" })
    expect(wire.received()).toBe("")
    expect(await notifications()).toEqual([
      ["opened", null],
      ["settled", "too-late"],
    ])

    world.interference = {}
    world.now += MINUTE
    expect((await world.run(undefined, { endpoint: endpoint() })).outcome?.kind).toBe("accepted")
    expect(wire.requestLines()).toBe(1)
  })

  it("an attempt that was slow to open is sent if its last moment to send has not passed", async () => {
    openSlowly(29 * SECOND)
    expect((await world.run(undefined, { endpoint: endpoint() })).outcome?.kind).toBe("accepted")
    expect(wire.requestLines()).toBe(1)
  })
})
