import { beforeEach, describe, expect, it } from "vitest"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import type { OperatorCommand } from "../../lib/decision/state/control.ts"
import type { SupernodeState } from "../../lib/decision/state/state.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import { supernodeStream } from "../../lib/ledger/next-entry.ts"
import type { RunResult } from "../../lib/run/result.ts"
import { alarmOf, HOUR, MINUTE, offersOf, policyOf, requestOf, SECOND, tickOf } from "../decision/builders.ts"
import { rejected, World } from "./world.ts"

// Approvals and commands of people, from the request to the last moment before the order is sent.

const above = { amount: 100_000, currency: "CNY" }
const policy = policyOf({ approval: { above, approvers: 2, expires: "4h" } })
let world: World

beforeEach(async () => {
  world = await World.open()
})

const tick = (): Promise<RunResult> => world.run(tickOf({ id: world.newId(), at: world.now }), { policy })

async function approve(planHash: string | undefined, ...people: string[]): Promise<void> {
  for (const by of people) await world.say({ verb: "approve", planHash: planHash ?? "", by })
}

async function ask(over: Partial<Parameters<typeof requestOf>[0]> = {}): Promise<RunResult> {
  const shown = await world.run(requestOf({ at: world.now, ...over }), { policy })
  const live = { id: world.newId(), at: world.now, mode: "live" as const, planHash: shown.plan?.hash ?? "" }
  return world.run(requestOf({ ...live, ...over }), { policy })
}

/** Runs `happens` while the attempt is being opened: after the decision, before the last check. */
function whileOpening(happens: (entry: LedgerEntry) => Promise<void>): void {
  world.interference.beforeAppend = async (entry) => {
    if (entry.kind !== "opened") return undefined
    world.interference = {}
    await happens(entry)
    return undefined
  }
}

async function state(): Promise<SupernodeState> {
  return (await world.ledger.head(supernodeStream(policy.id)))?.standing as SupernodeState
}

describe("a plan that an alarm or a tick made", () => {
  it("a plan of an alarm has no requester: any approver may approve it, and the next tick buys it", async () => {
    const asked = await world.run(alarmOf(), { policy })
    expect(asked.decision.heldBy).toBe("approval-needed")
    await approve(asked.plan?.hash, "ops@example.com", "boss")
    expect(await tick()).toMatchObject({ plan: { hash: asked.plan?.hash }, outcome: { kind: "accepted" } })
  })

  it("a plan needs as many approvers as the policy says, and a person counts once, however the name is spelled", async () => {
    const { plan } = await tick()
    await approve(plan?.hash, "Ann", "ann", " ANN ")
    expect((await tick()).decision.heldBy).toBe("approval-needed")
    await approve(plan?.hash, "bob")
    expect((await tick()).outcome).toMatchObject({ kind: "accepted" })
  })

  it("a plan waits for approval again when one of its approvals has expired", async () => {
    const { plan } = await tick()
    await approve(plan?.hash, "ann")
    world.now += HOUR
    await approve(plan?.hash, "bob")
    world.now += 3 * HOUR
    expect((await tick()).decision.findings.at(-1)).toMatchObject({
      reason: "approval-needed",
      facts: { approvedBy: ["bob"] },
    })
  })

  it("approvals of a plan are used up by one attempt, whatever its outcome", async () => {
    const { plan } = await tick()
    await approve(plan?.hash, "ann", "bob")
    world.outcomes = [rejected("throttle", SECOND)]
    expect((await tick()).outcome).toMatchObject({ kind: "rejected" })
    world.now += MINUTE
    expect((await tick()).decision.heldBy).toBe("approval-needed")
    expect(world.orders).toHaveLength(1)
  })

  it("an approved plan leads to no larger rung after a refusal for capacity", async () => {
    const ladder = [2, 4, 8].map((servers) => ({
      flavor: `rung-${servers}`,
      servers,
      price: { amount: servers * 60_000, currency: "CNY", per: "month" as const },
    }))
    const larger = policyOf({ ladder, sold_out: "next-larger", approval: { above } })
    world.offers = { ok: true, value: offersOf("rung-4", "rung-8"), skewMs: 0 }
    const { plan } = await world.run(alarmOf(), { policy: larger })
    await approve(plan?.hash, "ann")
    world.outcomes = [rejected("capacity")]
    const result = await world.run(tickOf({ at: world.now }), { policy: larger })
    expect(result.outcome).toMatchObject({ kind: "rejected", class: "capacity" })
    expect(world.orders).toHaveLength(1)
  })
})

describe("a hold on record", () => {
  const withKeys = { ...policy, approvers: [{ name: "ann", key: "ssh-ed25519 AAAA" }] }

  it.each<[string, { policy: Policy; load?: number; afterMs: number }, boolean]>([
    [
      "records a hold for approval again once half the lifetime of an approval is over",
      { policy: withKeys, afterMs: 2 * HOUR },
      true,
    ],
    [
      "does not record a hold for approval again while more than half of the approval's lifetime is left",
      { policy: withKeys, afterMs: 2 * HOUR - 1 },
      false,
    ],
    [
      "does not record a hold for approval again if no text is to be signed",
      { policy, afterMs: 2 * HOUR },
      false,
    ],
    [
      "does not record a hold again if the hold is not for approval",
      { policy: withKeys, load: 10, afterMs: 2 * HOUR },
      false,
    ],
  ])("a tick %s", async (_, { load = 97, afterMs, ...over }, isRecorded) => {
    world.load = load
    await world.run(undefined, over)
    world.now += afterMs
    const { decision, entry } = await world.run(undefined, over)
    expect(decision.heldBy).toBe(load === 10 ? "not-breaching" : "approval-needed")
    expect(entry !== null).toBe(isRecorded)
  })
})

describe("a plan that a person requested", () => {
  it("a person's plan is bought when others approved it and that person requests it again", async () => {
    const first = await ask()
    expect(first.decision.heldBy).toBe("approval-needed")
    await approve(first.plan?.hash, "ann", "bob")
    expect(await ask()).toMatchObject({ plan: { hash: first.plan?.hash }, outcome: { kind: "accepted" } })
  })

  it("a person cannot approve their own plan, however the name is spelled", async () => {
    const { plan } = await ask({ requestedBy: "Ann" })
    await approve(plan?.hash, "ANN ", "bob")
    expect((await ask({ requestedBy: "Ann" })).decision.heldBy).toBe("approval-needed")
    await approve(plan?.hash, "carl")
    expect((await ask({ requestedBy: "Ann" })).outcome).toMatchObject({ kind: "accepted" })
  })
})

describe("between the decision and the request", () => {
  it("an approval that expires between the decision and the request stops the purchase, on record", async () => {
    const { plan } = await tick()
    await approve(plan?.hash, "ann", "bob")
    world.now += 4 * HOUR - SECOND
    whileOpening(async () => {
      world.now += 2 * SECOND
    })
    expect((await tick()).outcome).toMatchObject({ kind: "not-sent", reason: "approval-needed" })
    expect(world.orders).toEqual([])
    expect(await state()).toMatchObject({ attempt: null, purchases: [] })
  })

  it("an approval that is still valid right before the request does not stop the purchase", async () => {
    const { plan } = await tick()
    await approve(plan?.hash, "ann", "bob")
    world.now += 4 * HOUR - 3 * SECOND
    whileOpening(async () => {
      world.now += 2 * SECOND
    })
    expect((await tick()).outcome).toMatchObject({ kind: "accepted" })
  })

  const stop = (by: string) => ({ verb: "pause" as const, supernode: null, why: "wait", by, until: null })
  const lift = (by: string) => ({ verb: "resume" as const, supernode: null, why: "seen", by })
  it.each<[string, OperatorCommand[], string]>([
    [
      "a pause that is lifted again before the request does not stop the purchase",
      [stop("ann"), lift("bob")],
      "accepted",
    ],
    ["a pause after a resume stops the purchase", [stop("ann"), lift("bob"), stop("carol")], "not-sent"],
  ])("%s", async (_, words, outcome) => {
    whileOpening(async () => {
      for (const said of words) await world.say(said)
    })
    expect((await world.run(alarmOf())).outcome).toMatchObject({ kind: outcome })
    expect(world.orders).toHaveLength(outcome === "accepted" ? 1 : 0)
  })

  it("a pause that starts before a run and is lifted during the run still holds this run, and the next run buys", async () => {
    await world.say(stop("ann"))
    world.interference.beforeAppend = async (entry) => {
      delete world.interference.beforeAppend
      if (entry.kind === "decided") await world.say(lift("bob"))
      return undefined
    }
    expect((await world.run(alarmOf())).decision.heldBy).toBe("paused")
    expect(world.orders).toEqual([])
    expect((await world.run()).outcome).toMatchObject({ kind: "accepted" })
  })

  it("a pause between the decision and the request stops the purchase even if the pause has ended by then", async () => {
    const open = policyOf()
    whileOpening(async () => {
      const until = world.now + SECOND
      await world.say({ verb: "pause", supernode: open.id, why: "wait", by: "ops", until })
      world.now += 2 * SECOND
    })
    expect((await world.run(alarmOf())).outcome).toMatchObject({ kind: "not-sent", reason: "paused" })
    expect(world.orders).toEqual([])
  })

  it.each([
    ["stops an alarm's purchase", alarmOf(), "not-sent"],
    ["does not stop a person's purchase", null, "accepted"],
  ])("a hold between the decision and the request %s", async (_, signal, kind) => {
    const shown = await world.run(requestOf())
    const live = requestOf({ id: "r2", mode: "live", planHash: shown.plan?.hash ?? "" })
    whileOpening(() =>
      world.say({ verb: "hold", supernode: policy.id, why: "quiet", by: "ops", until: world.now + HOUR }),
    )
    expect((await world.run(signal ?? live)).outcome?.kind).toBe(kind)
  })

  it("a metric's period that ends after the decision does not change the purchase", async () => {
    whileOpening(async () => {
      world.now += 10 * SECOND
    })
    // One second before the next five-minute period has ended and is readable.
    world.now += MINUTE - SECOND
    expect((await world.run(alarmOf({ at: world.now }))).outcome).toMatchObject({ kind: "accepted" })
  })
})
