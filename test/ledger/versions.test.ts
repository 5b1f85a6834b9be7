import { readFileSync } from "node:fs"
import { beforeEach, describe, expect, it } from "vitest"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import { NO_FLEET } from "../../lib/decision/state/fleet-reservations.ts"
import type { Outcome } from "../../lib/decision/state/outcome.ts"
import { ledgerOver } from "../../lib/ledger/chain.ts"
import { entryText, type LedgerEntry } from "../../lib/ledger/entry.ts"
import { openMemoryStore } from "../../lib/ledger/memory.ts"
import { CONTROL_STREAM, controlOf, FLEET_STREAM, fleetOf, stateOf } from "../../lib/ledger/next-entry.ts"
import { policyOf } from "../../lib/ledger/policy-of.ts"
import { verifyStream } from "../../lib/ledger/verify.ts"
import { alarmOf, HOUR, MINUTE, serversOf, supernodeOf, tickOf } from "../decision/builders.ts"
import { accepted, World } from "../run/world.ts"
import { initialised } from "./initialised.ts"

// A ledger that release 0.1.0 wrote (`v: 1`). One supernode is latched; its first order was refused, and its
// second is complete. Another has an order that an operator settled as absent, and a newer one whose response
// was lost. Stream `control` has pauses, a hold and an approval; `fleet` has the reservations of both.

const TEXTS = readFileSync(new URL("v1-ledger.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
const ENTRIES = TEXTS.map((text) => JSON.parse(text) as LedgerEntry)
const STREAMS = [...new Set(ENTRIES.map(({ stream }) => stream))]
const [A = "", B = ""] = STREAMS
const LAST = Math.max(...ENTRIES.map(({ at }) => at))

let world: World
let store: ReturnType<typeof openMemoryStore>

beforeEach(async () => {
  store = openMemoryStore()
  for (const [i, text] of TEXTS.entries())
    await store.append(ENTRIES[i]?.stream ?? "", { seq: ENTRIES[i]?.seq ?? 0, text })
  world = new World(ledgerOver(store))
  world.now = LAST + MINUTE
})

function policyIn(stream: string): Policy {
  const policy = ENTRIES.find((entry) => entry.stream === stream && entry.situation)?.situation?.policy
  if (!policy) throw new Error(`${stream} holds no policy`)
  return policy
}

function runIn(stream: string, servers: number) {
  const policy = policyIn(stream)
  const value = supernodeOf({ id: policy.id, servers: serversOf(servers) })
  world.supernode = { ok: true, value, skewMs: 0 }
  const signal = alarmOf({ id: world.newId(), at: world.now })
  return world.run(signal, { policy, stream, fleetStreams: [A, B] })
}

describe("a ledger of version 1", () => {
  it("a ledger of release 0.1.0 verifies, and each of its entries has version 1", async () => {
    for (const stream of STREAMS) {
      const entries = ENTRIES.filter((entry) => entry.stream === stream)
      expect(await verifyStream(store, stream)).toMatchObject({ ok: true, entries: entries.length })
    }
    expect(new Set(ENTRIES.map(({ v }) => v))).toEqual(new Set([1]))
    expect(ENTRIES.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(["decided", "opened", "settled", "observed", "said"]),
    )
  })

  it("a chain of version 1 continues in version 2, and only a stream's first new entry contains the policy", async () => {
    await initialised(ledgerOver(store), LAST)
    await runIn(B, 2)
    world.now += 2 * HOUR
    await world.run(tickOf({ id: "later", at: world.now }), {
      policy: policyIn(A),
      stream: A,
      fleetStreams: [A, B],
    })
    world.now += 25 * HOUR
    await runIn(A, 4)
    for (const stream of [A, B]) expect(await verifyStream(store, stream)).toMatchObject({ ok: true })
    const added = (await world.entries(A)).filter(({ v }) => v === 2)
    expect(added.length).toBeGreaterThan(1)
    expect(added.map(({ policy }) => policy !== undefined)).toEqual(added.map((_, i) => i === 0))
    for (const entry of await world.entries(A))
      if (entry.v === 2 ? entry.policyHash : entry.situation)
        expect(await policyOf(world.ledger, entry)).toEqual(policyIn(A))
    for (const entry of added) {
      expect(entry).toHaveProperty("confirmedAt")
      expect(entry.situation ?? {}).not.toHaveProperty("policy")
    }
  })

  it("purchases, latches and open attempts in entries of ledger version 1 still count", async () => {
    await initialised(ledgerOver(store), LAST)
    world.now += 24 * HOUR
    const latched = await runIn(A, 4)
    expect(latched.decision.kind).toBe("hold")
    expect(latched.decision.findings.find(({ gate }) => gate === "action-rate")?.facts).toMatchObject({
      used: 1,
    })
    expect(latched.decision.findings.find(({ gate }) => gate === "evidence")).toMatchObject({
      reason: "latched",
    })
    const open = await runIn(B, 2)
    expect(open.decision.heldBy).toBe("outcome-unknown")
    expect(stateOf(await world.ledger.head(B)).absent).toHaveLength(1)
    expect(world.orders).toEqual([])
  })

  it("approvals and fleet reservations in entries of ledger version 1 still count", async () => {
    const control = controlOf(await world.ledger.head(CONTROL_STREAM))
    expect(control.approvals).toHaveLength(1)
    const fleet = fleetOf(await world.ledger.head(FLEET_STREAM))
    expect(Object.keys(fleet.members).sort()).toEqual([A, B].sort())
    expect(fleet).not.toEqual(NO_FLEET)
  })

  it("a response of the cloud in an entry of ledger version 1 is still readable", () => {
    const answers = ENTRIES.flatMap(({ outcome }) =>
      outcome && outcome.kind !== "not-sent" && outcome.raw ? [outcome] : [],
    )
    expect(answers).toContainEqual(
      expect.objectContaining<Partial<Outcome>>({
        kind: accepted.kind,
        raw: expect.objectContaining({ truncated: false }),
      }),
    )
  })

  it("no entry is appended in version 1, and an unknown version is refused with a message", async () => {
    const head = await world.ledger.head(CONTROL_STREAM)
    if (!head) throw new Error("control is empty")
    await expect(world.ledger.append({ ...head, seq: head.seq + 1, prev: head.hash })).rejects.toThrow(
      /its version is not 2/,
    )
    await store.append(CONTROL_STREAM, { seq: 5, text: entryText({ ...head, v: 3 as 2, seq: 5 }) })
    await expect(world.ledger.head(CONTROL_STREAM)).rejects.toThrow(
      /has version 3, this program reads versions 1 and 2; use a newer release/,
    )
  })
})
