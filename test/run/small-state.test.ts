import { beforeEach, describe, expect, it } from "vitest"
import type { AlarmState } from "../../lib/decision/inputs/signal.ts"
import type { SupernodeState } from "../../lib/decision/state/state.ts"
import { fold } from "../../lib/decision/transitions/fold.ts"
import { canonicalText } from "../../lib/digest.ts"
import { nextEntry, supernodeStream } from "../../lib/ledger/next-entry.ts"
import { MAX_STANDING_BYTES } from "../../lib/run/preconditions.ts"
import {
  alarmOf,
  DAY,
  HOUR,
  MINUTE,
  NOW,
  policyOf,
  requestOf,
  ruleInput,
  SECOND,
  serversOf,
  situationOf,
  stateWith,
} from "../decision/builders.ts"
import { World } from "./world.ts"

// Whatever happens, the state stays below 16 KB and stops no purchase.

const MAX_BYTES = 16 * 1024
const CARDS = 384
const STREAM = supernodeStream(policyOf().id)
/** One rule uses the alarms' own points, so that OKs are recorded. */
const rules = [ruleInput(), ruleInput({ name: "alarm-says-so", metric: { alarm: true }, points: "1 of 1" })]
const policy = policyOf({ rules })
let world: World

beforeEach(async () => {
  world = await World.open()
})

const bytesOf = (state: unknown) => Buffer.byteLength(canonicalText(state))
const state = async () => (await world.ledger.head(STREAM))?.standing as SupernodeState

function cardAlarm(card: number, at: number, state: AlarmState = "alarm") {
  const key = `cloud-eye|al1704475580412b2a4lnr3W|AGT.ECS|npu_util_rate_ai_core|instance_id:${"e".repeat(32)}-${card}`
  return alarmOf({ id: `${key}|${at}|${state}`, state, at, episode: { key, startsAt: null } })
}

/** The state after many alarms that were all recorded. Real runs record fewer. */
function stormed(
  count: number,
  everyMs: number,
  from: SupernodeState,
): { state: SupernodeState; mostBytes: number } {
  let [after, mostBytes] = [from, 0]
  for (let i = 0; i < count; i++) {
    const at = NOW + Math.floor(i * everyMs)
    const signal = cardAlarm(i % CARDS, at, i % 3 === 0 ? "ok" : "alarm")
    after = fold(after, {
      kind: "decided",
      seq: i + 1,
      at,
      run: `run-${i}`,
      signal,
    })
    if (i % 2_000 === 0 || i === count - 1) mostBytes = Math.max(mostBytes, bytesOf(after))
  }
  return { state: after, mostBytes }
}

describe("the size of the state", () => {
  const before = (): SupernodeState => {
    const ids = serversOf(48).map(({ id }) => `b4beacb6-4380-448c-a218-${id.padStart(12, "0")}`)
    return stateWith({ servers: ids, newServers: ids.slice(0, 24) })
  }

  it.each([
    ["10,000 alarms a day for 8 days from 384 cards", 80_000, DAY / 10_000],
    ["10,000 alarms in one minute", 10_000, MINUTE / 10_000],
  ])("the state is below 16 KB after %s", (_, count, everyMs) => {
    const { mostBytes } = stormed(count, everyMs, before())
    expect(mostBytes).toBeLessThan(MAX_BYTES)
    // No traffic comes near the last safeguard.
    expect(mostBytes * 4).toBeLessThan(MAX_STANDING_BYTES)
  })

  it("the state is below 16 KB after unsent attempts of 40 alarms with the longest ids", async () => {
    world.deliver(2)
    const plan = situationOf().policy
    for (let i = 0; i < 40; i++) {
      const at = NOW + i * SECOND
      world.now = at
      world.outcomes = [{ kind: "not-sent", reason: "refused", says: "connection refused" }]
      await world.run(alarmOf({ id: `${i}|${"漢".repeat(195)}`, at }), { policy: plan })
    }
    expect(world.orders).toHaveLength(40)
    expect(bytesOf(await state())).toBeLessThan(MAX_BYTES)
  })
})

describe("a real alarm after a storm", () => {
  it("buys after 384 cards alarmed twice at low load, which wrote at most two entries", async () => {
    world.load = 10
    for (let round = 0; round < 2; round++) {
      for (let card = 0; card < CARDS; card++) await world.run(cardAlarm(card, world.now))
      world.now += 30 * MINUTE
    }
    expect((await world.entries()).length).toBeLessThanOrEqual(2)
    expect(bytesOf(await state())).toBeLessThan(4_096)
    world.load = 97
    expect((await world.run(cardAlarm(1, world.now))).outcome).toMatchObject({ kind: "accepted" })
  })

  it("buys after 10,000 alarms in one minute, a third of them OKs", async () => {
    world.load = 10
    await world.run(cardAlarm(0, world.now), { policy })
    const head = await world.ledger.head(STREAM)
    const after = stormed(10_000, MINUTE / 10_000, (head?.standing ?? stateWith()) as SupernodeState).state
    world.now += MINUTE
    const news = { at: world.now, run: "r", writer: "w", kind: "decided" as const, mode: "live" as const }
    await world.ledger.append(nextEntry(STREAM, head && { ...head, standing: after }, news))
    world.load = 97
    // This alarm is older than closed episodes that the state no longer distinguishes, so it is stale. A
    // newer alarm buys.
    const late = await world.run(cardAlarm(5, world.now - 50 * SECOND), { policy })
    expect(late.decision.heldBy).toBe("stale")
    world.now += SECOND
    expect((await world.run(cardAlarm(5, world.now), { policy })).outcome).toMatchObject({ kind: "accepted" })
  })
})

describe("an OK of an alarm", () => {
  it("an alarm's OK is recorded only if a rule uses alarms' points, and only if it closes an episode", async () => {
    world.load = 10
    expect((await world.run(cardAlarm(1, NOW, "ok"))).entry).toBeNull()
    expect(world.asked).toEqual([])
    expect((await world.run(cardAlarm(1, NOW, "ok"), { policy })).entry).toMatchObject({ seq: 1 })
    expect((await world.run(cardAlarm(1, NOW - SECOND, "ok"), { policy })).entry).toBeNull()
    expect((await world.run(cardAlarm(2, NOW, "ok"), { policy })).entry).toMatchObject({ seq: 2 })
  })
})

describe("an alarm that the state alone holds", () => {
  it("an alarm that the ledger's state alone holds makes no cloud call if its reason is already recorded", async () => {
    await world.say({ verb: "pause", supernode: null, why: "w", by: "ops", until: null })
    await world.run(alarmOf())
    expect(world.asked).toEqual(["supernode", "metrics", "offers"])
    world.asked = []
    expect(await world.run(alarmOf({ id: "again" }))).toMatchObject({
      decision: { heldBy: "paused" },
      entry: null,
    })
    expect(world.asked).toEqual([])
    await world.run(requestOf({ mode: "live" }))
    expect(world.asked).toEqual(["supernode", "metrics", "offers"])
  })

  it("an alarm that the ledger's state alone holds still reads the servers of an open attempt", async () => {
    await world.run(alarmOf())
    world.now += MINUTE
    await world.run(alarmOf({ id: "two", at: world.now }))
    world.asked = []
    expect((await world.run(alarmOf({ id: "three", at: world.now }))).decision.heldBy).toBe("in-flight")
    expect(world.asked).toEqual(["supernode"])
  })
})

describe("a person's request that only held", () => {
  const withApproval = policyOf({ approval: { above: { amount: 100_000, currency: "CNY" }, expires: "4h" } })

  async function live(over: { policy: typeof policy }) {
    const { plan } = await world.run(requestOf({ id: "shown" }), over)
    const ask = () =>
      world.run(requestOf({ id: "ours", mode: "live", planHash: plan?.hash ?? "", at: world.now }), over)
    return { ask, planHash: plan?.hash ?? "" }
  }

  it("a person's held request can be repeated for 15 minutes, is recorded each time, and is stale later", async () => {
    await world.say({ verb: "pause", supernode: null, why: "w", by: "ops", until: null })
    const { ask } = await live({ policy: policyOf() })
    expect(await ask()).toMatchObject({ decision: { heldBy: "paused" }, entry: { seq: 1 } })
    world.now += 15 * MINUTE
    expect(await ask()).toMatchObject({ decision: { heldBy: "paused" }, entry: { seq: 2 } })
    await world.say({ verb: "resume", supernode: null, why: "w", by: "ops" })
    world.now += 1
    expect(await ask()).toMatchObject({ decision: { heldBy: "stale" }, entry: { seq: 3 } })
    expect(world.orders).toEqual([])
  })

  it("a person's request that held buys when it is repeated within 15 minutes", async () => {
    await world.say({ verb: "pause", supernode: null, why: "w", by: "ops", until: null })
    const { ask } = await live({ policy: policyOf() })
    await ask()
    await world.say({ verb: "resume", supernode: null, why: "w", by: "ops" })
    world.now += 15 * MINUTE
    expect((await ask()).outcome).toMatchObject({ kind: "accepted" })
  })

  it("a request that waited for approval buys once when it is repeated within the lifetime of approvals", async () => {
    const { ask, planHash } = await live({ policy: withApproval })
    expect((await ask()).decision.heldBy).toBe("approval-needed")
    await world.say({ verb: "approve", planHash, by: "boss" })
    world.now += 4 * HOUR - 1
    await world.say({ verb: "approve", planHash, by: "boss" })
    world.now += 1
    expect((await ask()).outcome).toMatchObject({ kind: "accepted" })
    expect((await ask()).decision.heldBy).toBe("duplicate")
  })

  it("a request that waited for approval is stale once approvals would have expired", async () => {
    const { ask, planHash } = await live({ policy: withApproval })
    await ask()
    world.now += 4 * HOUR + 1
    await world.say({ verb: "approve", planHash, by: "boss" })
    expect((await ask()).decision.heldBy).toBe("stale")
    expect(world.orders).toEqual([])
  })

  it("a request that held for approval and for another reason is stale after 15 minutes", async () => {
    await world.say({ verb: "pause", supernode: null, why: "w", by: "ops", until: null })
    const { ask, planHash } = await live({ policy: withApproval })
    const failed = (await ask()).decision.findings.filter(({ passed }) => passed === false)
    expect(failed.map(({ reason }) => reason)).toEqual(["paused", "approval-needed"])
    await world.say({ verb: "resume", supernode: null, why: "w", by: "ops" })
    await world.say({ verb: "approve", planHash, by: "boss" })
    world.now += 15 * MINUTE + 1
    expect((await ask()).decision.heldBy).toBe("stale")
  })

  it("a person's request cannot be repeated after its attempt, even if the attempt was not sent", async () => {
    const { ask } = await live({ policy: policyOf() })
    world.outcomes = [{ kind: "not-sent", reason: "refused", says: "connection refused" }]
    expect((await ask()).outcome).toMatchObject({ kind: "not-sent" })
    expect(await ask()).toMatchObject({ decision: { heldBy: "duplicate" }, outcome: { kind: "not-sent" } })
    expect(world.orders).toHaveLength(1)
  })
})
