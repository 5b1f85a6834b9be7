import { beforeEach, expect, it } from "vitest"
import { ledgerOver } from "../../lib/ledger/chain.ts"
import { openMemoryStore } from "../../lib/ledger/memory.ts"
import { CONTROL_STREAM, FLEET_STREAM, nextEntry, supernodeStream } from "../../lib/ledger/next-entry.ts"
import { takeAnchor } from "../../lib/run/anchor.ts"
import { NOW, policyOf, SECOND } from "../decision/builders.ts"
import { LEDGER_ID } from "../ledger/initialised.ts"
import { unreachable, World } from "./world.ts"

// The anchor of a notification: the ledger's heads, as many as can be read in time.

const OTHER = supernodeStream(policyOf().id)
const OWN = "supernode:own"
let world: World
let asked: string[]
/** Maximum number of concurrent reads. */
let most: number

beforeEach(async () => {
  world = await World.open()
  watchReads()
})

function watchReads(readMs = 0, meanwhile: (stream: string) => void = () => {}): void {
  let reading = 0
  ;[asked, most] = [[], 0]
  world.interference.beforeHead = async (stream) => {
    asked.push(stream)
    reading += 1
    most = Math.max(most, reading)
    meanwhile(stream)
    await Promise.resolve()
    world.now += readMs
    reading -= 1
  }
}

function anchorOf(fleetStreams: string[]) {
  const { ledger, clock } = world
  return takeAnchor({ ledger, clock, timeLeftMs: () => world.timeLeftMs }, { fleetStreams, stream: OWN })
}

const many = [OWN, ...Array.from({ length: 44 }, (_, i) => `supernode:${i}`)]

it("for an anchor, a run reads its own stream first, each stream once, and up to 20 streams at the same time", async () => {
  await anchorOf(many)
  expect(asked).toEqual([OWN, CONTROL_STREAM, FLEET_STREAM, ...many.slice(1)])
  expect(most).toBe(20)
})

it.each<[string, { readMs?: number; leftMs?: number }, number]>([
  ["from a slow store for at most three seconds", { readMs: 149 }, 40],
  ["from a slow store for at most three seconds", { readMs: 150 }, 20],
  ["only if more than ten seconds are left in the function", { leftMs: 10 * SECOND + 1 }, 47],
  ["only if more than ten seconds are left in the function", { leftMs: 10 * SECOND }, 0],
])("for an anchor, a run reads streams %s: with %o, %i streams", async (_, { readMs = 0, leftMs }, count) => {
  watchReads(readMs)
  world.timeLeftMs = leftMs ?? world.timeLeftMs
  await anchorOf(many)
  expect(asked).toHaveLength(count)
})

it("an anchor holds the ledger's id and the head of every stream that has entries and can be read", async () => {
  await world.run()
  const [control, other] = [await world.ledger.head(CONTROL_STREAM), await world.ledger.head(OTHER)]
  watchReads(0, (stream) => (stream === "supernode:broken" ? unreachable() : undefined))
  expect(await anchorOf(["supernode:broken", OTHER])).toEqual({
    v: 1,
    ledger: LEDGER_ID,
    at: new Date(NOW).toISOString(),
    heads: {
      [CONTROL_STREAM]: { seq: control?.seq, hash: control?.hash },
      [OTHER]: { seq: other?.seq, hash: other?.hash },
    },
  })
})

it("an anchor's ledger id is null for a ledger from before ledgers had ids", async () => {
  world = new World(ledgerOver(openMemoryStore()))
  const said = { at: NOW, run: "r", writer: "w", kind: "said" as const, mode: "live" as const }
  await world.ledger.append(nextEntry(CONTROL_STREAM, undefined, said))
  expect(await anchorOf([])).toMatchObject({ ledger: null, heads: { [CONTROL_STREAM]: { seq: 1 } } })
})
