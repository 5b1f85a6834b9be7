import { beforeEach, describe, expect, it } from "vitest"
import type { Signal } from "../../lib/decision/inputs/signal.ts"
import { digest } from "../../lib/digest.ts"
import { supernodeStream } from "../../lib/ledger/next-entry.ts"
import { alarmOf, MINUTE, NOW, policyOf, requestOf, tickOf } from "../decision/builders.ts"
import { World } from "./world.ts"

// Two policy files for one supernode cannot be prevented. Runs find the conflict, name both files, and hold.

const A = policyOf()
const B = policyOf({ cooldown: "61m" })
const C = policyOf({ cooldown: "62m" })
const FILES = { A, B, C }
let world: World

beforeEach(async () => {
  world = await World.open()
  world.load = 10
})

/** Runs a tick, or the given signal, under this file at this minute after the start. */
async function at(minutes: number, file: keyof typeof FILES, signal?: Signal) {
  world.now = NOW + minutes * MINUTE
  return world.run(signal ?? tickOf({ id: world.newId(), at: world.now }), { policy: FILES[file] })
}

type Turns = [number, keyof typeof FILES][]
async function story(turns: Turns) {
  for (const [minutes, file] of turns.slice(0, -1)) await at(minutes, file)
  world.load = 97
  const [minutes, file] = turns.at(-1) ?? [0, "A"]
  return (await at(minutes, file)).decision
}

describe("two policy files that alternate for one supernode", () => {
  it.each<[string, Turns, string | null]>([
    [
      "hold purchases at the fourth change between them",
      [
        [0, "A"],
        [20, "B"],
        [40, "A"],
        [60, "B"],
      ],
      "policy-conflict",
    ],
    [
      "hold purchases whichever file is in use",
      [
        [0, "A"],
        [20, "B"],
        [40, "A"],
        [60, "B"],
        [79, "A"],
      ],
      "policy-conflict",
    ],
    [
      "hold purchases until one file was in use for 20 minutes",
      [
        [0, "A"],
        [20, "B"],
        [40, "A"],
        [60, "B"],
        [79.9, "B"],
      ],
      "policy-conflict",
    ],
    [
      "hold no purchase after one file was in use for 20 minutes",
      [
        [0, "A"],
        [20, "B"],
        [40, "A"],
        [60, "B"],
        [80, "B"],
      ],
      null,
    ],
    [
      "count as one edit if the file changes once",
      [
        [0, "A"],
        [20, "B"],
      ],
      null,
    ],
    [
      "count as an edit and its reversal if the file changes twice",
      [
        [0, "A"],
        [20, "B"],
        [40, "A"],
      ],
      null,
    ],
    [
      "are no conflict if the changes take more than an hour",
      [
        [0, "A"],
        [20, "B"],
        [51, "A"],
        [81, "B"],
      ],
      null,
    ],
    [
      "are no conflict if a third file follows",
      [
        [0, "A"],
        [20, "B"],
        [40, "A"],
        [60, "C"],
      ],
      null,
    ],
    [
      "count as one roll-out if all changes lie within 15 minutes",
      [
        [0, "A"],
        [20, "B"],
        [21, "A"],
        [22, "B"],
        [40, "B"],
      ],
      null,
    ],
  ])("two alternating policy files %s", async (_, turns, heldBy) => {
    expect((await story(turns)).heldBy).toBe(heldBy)
  })

  it("two alternating policy files hold purchases at any speed, after 15 minutes of changes", async () => {
    for (let minute = 0; minute <= 15; minute++) await at(minute, minute % 2 === 0 ? "A" : "B")
    world.load = 97
    const request = { mode: "live" as const, at: NOW + 16 * MINUTE }
    const dry = await at(16, "A", requestOf({ id: "shown", at: NOW + 16 * MINUTE }))
    const live = await at(16, "A", requestOf({ ...request, planHash: dry.plan?.hash ?? "" }))
    expect([dry.decision.heldBy, live.decision.heldBy]).toEqual(["policy-conflict", "policy-conflict"])
    const bytes = JSON.stringify((await world.ledger.head(supernodeStream(A.id)))?.standing).length
    expect(bytes).toBeLessThan(2_000)
  })

  it("a policy conflict names both files by their hashes, and a person's reset ends the conflict", async () => {
    const decision = await story([
      [0, "A"],
      [20, "B"],
      [40, "A"],
      [60, "B"],
    ])
    const finding = decision.findings.find(({ gate }) => gate === "policy-conflict")
    expect(finding?.says).toContain(digest(A))
    expect(finding?.says).toContain(digest(B))
    expect(finding?.facts["nearest"]).toMatchObject({
      says: expect.stringMatching(
        /one policy file has been in use for 20 minutes.*, or run: supernode-autoscaler reset train-a/,
      ),
    })
    await world.say({ verb: "reset", why: "one file is gone", by: "ops" })
    expect((await at(61, "B")).outcome).toMatchObject({ kind: "accepted" })
  })
})

describe("a new policy file", () => {
  it.each<[string, Turns, string | null]>([
    [
      "buys nothing on a tick while another was in use within 15 minutes",
      [
        [0, "A"],
        [14, "B"],
      ],
      "policy-conflict",
    ],
    [
      "buys at once if the other one was in use more than 15 minutes ago",
      [
        [0, "A"],
        [15.1, "B"],
      ],
      null,
    ],
    [
      "waits until it was in use for 5 minutes",
      [
        [0, "A"],
        [10, "B"],
        [14.9, "B"],
      ],
      "policy-conflict",
    ],
    [
      "buys once it was in use for 5 minutes",
      [
        [0, "A"],
        [10, "B"],
        [15, "B"],
      ],
      null,
    ],
    ["buys at once if it is the first one of its supernode", [[0, "A"]], null],
  ])("a new policy file %s", async (_, turns, heldBy) => {
    expect((await story(turns)).heldBy).toBe(heldBy)
  })

  it("a new policy file holds an alarm as well, but not a person's request", async () => {
    await at(0, "A")
    world.load = 97
    world.now = NOW + MINUTE
    const held = (await at(1, "B", alarmOf({ at: world.now }))).decision
    expect(held.heldBy).toBe("policy-conflict")
    expect(held.findings.find(({ gate }) => gate === "policy-conflict")?.facts["nearest"]).toMatchObject({
      says: expect.stringContaining("the wait for a new policy file ends"),
    })
    const { plan } = await at(1, "B", requestOf({ id: "shown" }))
    const live = requestOf({ id: "live", mode: "live", planHash: plan?.hash ?? "", at: world.now })
    expect((await at(1, "B", live)).outcome).toMatchObject({ kind: "accepted" })
  })
})
