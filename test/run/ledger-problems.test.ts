import { describe, expect, it } from "vitest"
import type { Fetched } from "../../lib/decision/inputs/fetched.ts"
import type { RunMode } from "../../lib/decision/situation.ts"
import { type Control, NO_CONTROL } from "../../lib/decision/state/control.ts"
import type { LedgerIdentity } from "../../lib/decision/state/ledger-identity.ts"
import { ledgerOver } from "../../lib/ledger/chain.ts"
import { initLedger } from "../../lib/ledger/init.ts"
import { openMemoryStore } from "../../lib/ledger/memory.ts"
import { confirmedNow, ledgerHint, whyNotOnThisLedger } from "../../lib/run/ledger-trust.ts"
import { DAY, MINUTE, NOW, policyOf, read, requestOf, situationOf, unreadable } from "../decision/builders.ts"
import { LEDGER_ID } from "../ledger/initialised.ts"
import { clockAt } from "../world/clock.ts"
import { loadedOf } from "../world/task.ts"
import { World } from "./world.ts"

// The reason that a run records for a ledger it must not use, and the checks right before the request.

const policy = policyOf()

/** A world whose ledger began empty at NOW. */
async function onNewLedger(): Promise<World> {
  const ledger = ledgerOver(openMemoryStore())
  const ids = { ledger, clock: clockAt(NOW), newId: () => LEDGER_ID }
  await initLedger(ids, { by: "ann", why: "test", nothingInFlight: false })
  return new World(ledger)
}

/** The gate that holds, and the finding about the ledger. */
async function aboutLedger(world: World, over: Parameters<World["run"]>[1]) {
  const { decision } = await world.run(undefined, { policy, ...over })
  const finding = decision.findings.find(({ gate }) => gate.startsWith("ledger-"))
  return { heldBy: decision.heldBy, reason: finding?.reason ?? null, facts: finding?.facts }
}

describe("a new ledger", () => {
  it.each<[RunMode, string | null]>([
    ["live", "ledger-new"],
    ["dry-run", "ledger-new"],
    ["observe", null],
  ])("a new ledger holds live runs and dry runs, but not observing runs: mode %s", async (mode, reason) => {
    const world = await onNewLedger()
    expect(await aboutLedger(world, { mode })).toMatchObject({ heldBy: reason, reason })
  })

  it("a hold for a new ledger has the hint to wait until the 45 minutes are over", async () => {
    const until = NOW + 45 * MINUTE
    const { facts } = await aboutLedger(await onNewLedger(), {})
    expect(facts).toMatchObject({
      ledger: LEDGER_ID,
      until,
      nearest: {
        says: "wait until 2024-01-12T17:45:00.000Z, when the 45 minutes of a new ledger end",
        change: { kind: "wait", until },
      },
    })
  })

  it("the 45 minutes of a new ledger count from `ledger init` by our clock, and show even if another gate holds first", async () => {
    const world = await onNewLedger()
    await world.say({ verb: "pause", supernode: null, why: "w", by: "ann", until: null })
    for (const [ms, reason] of [
      [45 * MINUTE - 1, "ledger-new"],
      [45 * MINUTE, null],
    ] as const) {
      world.now = NOW + ms
      expect(await aboutLedger(world, {})).toMatchObject({ heldBy: "paused", reason })
    }
  })
})

describe("a dry run", () => {
  it("a dry run on a ledger that the policy does not name reads everything, and names the expected ledger", async () => {
    const world = await World.open()
    const loaded = { ...loadedOf(policy), ledgerId: "the-one" }
    expect(await aboutLedger(world, { mode: "dry-run", loaded })).toMatchObject({
      heldBy: "ledger-other",
      reason: "ledger-other",
      facts: { expected: "the-one", nearest: { change: { kind: "settings", what: "ledger" } } },
    })
    expect(world.asked).toEqual(["supernode", "metrics", "offers"])
  })

  it("a dry run shows the plan if no ledger was made yet", async () => {
    const world = new World(ledgerOver(openMemoryStore()))
    const { decision, plan } = await world.run(requestOf(), { policy })
    expect([decision.kind, decision.heldBy, plan?.to]).toEqual(["scale-up", null, 4])
    world.load = 10
    expect(await aboutLedger(world, { mode: "dry-run" })).toMatchObject({
      heldBy: "not-breaching",
      reason: null,
    })
  })
})

describe("right before the request", () => {
  const identity: LedgerIdentity = { id: LEDGER_ID, at: NOW - DAY, origin: "nothing-in-flight" }
  const controlOf = (over: Partial<Control> = {}): Fetched<Control> =>
    read({ ...NO_CONTROL, ledger: identity, ...over })
  const restored = { at: NOW, why: "w", by: "ann", confirmed: [] }
  const empty = { ...identity, origin: "empty" as const }

  it.each<[string, Fetched<Control>, Fetched<Control>, string | null]>([
    ["the same ledger as at the decision does not stop the order", controlOf(), controlOf(), null],
    [
      "another ledger stops the order",
      controlOf({ ledger: { ...identity, id: "b" } }),
      controlOf(),
      "ledger-other",
    ],
    ["a ledger without an id stops the order", controlOf(), read(NO_CONTROL), "ledger-new"],
    [
      "a restore of the ledger since the decision stops the order",
      controlOf(),
      controlOf({ restored }),
      "ledger-restored",
    ],
    [
      "a ledger that was created empty less than 45 minutes ago stops the order",
      controlOf(),
      controlOf({ ledger: empty }),
      "ledger-new",
    ],
    [
      "a ledger that the decision could not read adds no reason, because a gate holds already",
      unreadable(),
      controlOf(),
      null,
    ],
    [
      "a ledger that had no id at the decision adds no reason, because the decision holds already",
      read(NO_CONTROL),
      controlOf(),
      null,
    ],
    [
      "a ledger that cannot be read any more adds no reason, because gate not-paused holds",
      controlOf(),
      unreadable(),
      null,
    ],
  ])("right before the request, %s", (_, decided, now, reason) => {
    const problem = whyNotOnThisLedger(situationOf({ control: decided, cloudDate: NOW }), now)
    expect(problem?.reason ?? null).toBe(reason)
  })
})

it.each<[string, { cloudSkewMs: number | null; cloudDate: number | null }, number | null]>([
  ["the cloud's time, if it is earlier", { cloudSkewMs: -5, cloudDate: NOW - 5 }, NOW - 5],
  ["our time, if it is earlier", { cloudSkewMs: 5, cloudDate: NOW + 5 }, NOW],
  ["null, if the cloud named no time", { cloudSkewMs: null, cloudDate: null }, null],
  ["null, if the clocks disagree", { cloudSkewMs: MINUTE + 1, cloudDate: NOW + MINUTE + 1 }, null],
])("the confirmed time is %s", (_, clocks, at) => {
  expect(confirmedNow(situationOf(clocks))).toBe(at)
})

it("the hint for a restored ledger is the operator command that confirms the supernode", () => {
  const hint = ledgerHint({ reason: "ledger-restored", says: "it was restored", facts: { since: NOW } })
  expect(hint?.change).toEqual({ kind: "person", verb: "ledger-confirm" })
})
