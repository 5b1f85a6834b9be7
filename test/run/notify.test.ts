import { beforeEach, describe, expect, it } from "vitest"
import { type LedgerEntry, sealEntry } from "../../lib/ledger/entry.ts"
import { nextEntry, supernodeStream } from "../../lib/ledger/next-entry.ts"
import type { Ledger } from "../../lib/ports.ts"
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
  stateWith,
  tickOf,
} from "../decision/builders.ts"
import { LEDGER_ID } from "../ledger/initialised.ts"
import { rejected, unknown, unreachable, World } from "./world.ts"

const STREAM = supernodeStream(policyOf().id)
const TICK = 5 * MINUTE
let store: Ledger
let world: World

beforeEach(async () => {
  store = await World.newLedger()
  world = new World(store)
  world.listen()
})

async function kinds(): Promise<string[]> {
  return (await world.entries()).map((entry) => entry.observation?.kind ?? entry.kind)
}

const saidTo = (of = world): string[] => of.notices.map(({ state }) => state)

/** Ticks every five minutes for `durationMs`, the first time after five minutes. */
async function tickFor(
  durationMs: number,
  of = world,
  over: Parameters<World["run"]>[1] = {},
): Promise<void> {
  const end = of.now + durationMs
  while (of.now + TICK <= end) {
    of.now += TICK
    await of.run(undefined, over)
  }
}

/** Requires approval for every purchase. */
const costly = policyOf({ approval: { above: { amount: 1, currency: "CNY" } } })

describe("an unknown outcome", () => {
  beforeEach(() => {
    world.outcomes = [unknown]
  })

  it("an unknown outcome is notified after its entry is written, with that entry's hash, and on record", async () => {
    let before: LedgerEntry[] = []
    world.whileTelling = async () => {
      before = await world.entries()
    }
    const result = await world.run(alarmOf())
    expect(before.map((entry) => entry.observation?.kind ?? entry.kind)).toEqual([
      "opened",
      "settled",
      "telling",
    ])
    expect(world.notices).toMatchObject([
      {
        supernode: "train-a",
        mode: "live",
        state: "unknown",
        says: expect.stringContaining("has an unknown outcome: no response came"),
        todo: "supernode-autoscaler settle train-a --as accepted|completed|absent --why TEXT --by WHO",
        attempt: world.orders[0]?.attempt,
        orderId: null,
        entry: { stream: STREAM, seq: 2, hash: before[1]?.hash },
      },
    ])
    expect(world.notices[0]).not.toHaveProperty("anchor")
    expect(before[2]?.observation).toMatchObject({
      says: expect.stringMatching(/^unknown: the attempt of .* has an unknown outcome/),
      attempt: null,
      servers: [],
      present: null,
    })
    expect(result).toMatchObject({ outcome: { kind: "unknown" }, entry: { seq: 2 } })
    expect(await kinds()).toEqual(["opened", "settled", "telling"])
  })

  it("an unknown outcome is notified again hourly while it lasts, and the notification always names the first entry", async () => {
    await world.run(alarmOf())
    const at: number[] = []
    world.whileTelling = async () => {
      at.push((world.now - NOW) / MINUTE)
    }
    await tickFor(3 * HOUR + 30 * MINUTE)
    expect(at).toEqual([60, 120, 180])
    expect(new Set(world.notices.map(({ entry }) => entry.seq))).toEqual(new Set([2]))
  })

  it("an unknown outcome is no longer notified once a person settled it", async () => {
    await world.run(alarmOf())
    const attempt = world.orders[0]?.attempt ?? ""
    const servers = ["s1", "s2"]
    await world.say({ verb: "settle", attempt, as: "absent", why: "not there", by: "ops", servers })
    world.load = 10
    await tickFor(2 * HOUR)
    expect(saidTo()).toEqual(["unknown"])
  })

  it("an unknown outcome is not notified again within the hour, even after a restart", async () => {
    await world.run(alarmOf())
    const restarted = new World(store)
    restarted.listen()
    restarted.now = world.now
    await tickFor(55 * MINUTE, restarted)
    expect(restarted.notices).toEqual([])
    await tickFor(5 * MINUTE, restarted)
    expect(saidTo(restarted)).toEqual(["unknown"])
  })

  it("an outcome that could not be written is notified as unknown by the next tick", async () => {
    world.interference.beforeAppend = async (entry) => (entry.kind === "settled" ? unreachable() : undefined)
    await expect(world.run(alarmOf())).rejects.toThrow(/could not be written/)
    expect(world.notices).toEqual([])
    world.interference = {}
    await tickFor(TICK)
    expect(saidTo()).toEqual(["unknown"])
  })

  it("an unknown outcome is notified by the next tick if its worker died before the notification", async () => {
    world.interference.beforeAppend = async (entry) => (entry.observation ? unreachable() : undefined)
    expect((await world.run(alarmOf())).outcome).toMatchObject({ kind: "unknown" })
    expect(world.notices).toEqual([])
    world.interference = {}
    await tickFor(TICK)
    expect(saidTo()).toEqual(["unknown"])
  })

  it("an unknown outcome is notified once if many workers see it at the same time", async () => {
    await world.run(alarmOf())
    world.now += HOUR
    await Promise.all(Array.from({ length: 20 }, () => world.run()))
    expect(saidTo()).toEqual(["unknown", "unknown"])
    expect((await kinds()).filter((kind) => kind === "telling")).toHaveLength(2)
  })

  it("an unknown outcome is notified even if another worker wrote an entry in between", async () => {
    world.interference.beforeAppend = async (entry) => {
      if (entry.observation?.kind !== "telling") return undefined
      world.interference = {}
      const at = NOW + SECOND
      const news = { at, run: "rival", writer: "rival", kind: "decided" as const, mode: "live" as const }
      await store.append(nextEntry(STREAM, await store.head(STREAM), news))
      return undefined
    }
    await world.run(alarmOf())
    expect(saidTo()).toEqual(["unknown"])
    expect(await kinds()).toEqual(["opened", "settled", "decided", "telling"])
    expect((await world.entries()).map(({ at }) => at - NOW)).toEqual([0, 0, SECOND, SECOND])
  })

  it("an unknown outcome is not notified again for a second delivery of its alarm, which gets the first result", async () => {
    const first = await world.run(alarmOf())
    const again = await world.run(alarmOf())
    expect(again).toMatchObject({
      decision: { heldBy: "duplicate" },
      outcome: first.outcome,
      entry: first.entry,
    })
    expect(saidTo()).toEqual(["unknown"])
    expect(await kinds()).toEqual(["opened", "settled", "telling"])
  })
})

describe("other states that wait for operators", () => {
  it("operators are notified of a hold by `breaker`, and again hourly, also by ticks that make no cloud call", async () => {
    world.outcomes = [rejected("balance")]
    await world.run(alarmOf())
    expect(world.notices).toMatchObject([
      { state: "breaker", todo: "supernode-autoscaler reset train-a --why TEXT --by WHO", entry: { seq: 2 } },
    ])
    world.asked = []
    await tickFor(2 * HOUR)
    expect(saidTo()).toEqual(["breaker", "breaker", "breaker"])
    expect(world.asked).toEqual([])
  })

  it("a breaker is no longer notified once a person reset it", async () => {
    world.outcomes = [rejected("balance")]
    await world.run(alarmOf())
    await world.say({ verb: "reset", why: "topped up", by: "ops" })
    world.load = 10
    await tickFor(2 * HOUR)
    expect(saidTo()).toEqual(["breaker"])
  })

  it("waiting states are notified also during a pause, which stops only purchases", async () => {
    world.outcomes = [rejected("balance")]
    await world.run(alarmOf())
    await world.say({ verb: "pause", supernode: null, why: "stop", by: "ops", until: null })
    await tickFor(HOUR)
    expect(saidTo()).toEqual(["breaker", "breaker"])
  })

  it.each([
    ["stuck", () => world.deliver(3, { status: "CREATING" })],
    ["partial", () => world.deliver(3)],
    ["wrong", () => world.deliver(6)],
  ])("operators are notified of a %s purchase after the entry that records it", async (state, deliver) => {
    await world.run(alarmOf())
    expect(world.notices).toEqual([])
    deliver()
    world.now += HOUR
    await world.run()
    const entries = await world.entries()
    const stating = entries.find((entry) => entry.seq === world.notices[0]?.entry.seq)
    expect(world.notices).toMatchObject([{ state, orderId: "CS1", entry: { hash: stating?.hash } }])
    expect(stating?.standing).toMatchObject({ attempt: { state } })
  })

  it("a missing approval is notified with its plan, and again hourly until it is given", async () => {
    const { plan } = await world.run(undefined, { policy: costly })
    const planHash = plan?.hash ?? ""
    expect(world.notices).toMatchObject([
      {
        state: "approval-needed",
        planHash,
        todo: `supernode-autoscaler approve ${planHash} --by WHO`,
        entry: { seq: 1 },
      },
    ])
    expect((await world.entries())[0]).toMatchObject({
      plan: { hash: planHash },
      hash: world.notices[0]?.entry.hash,
    })
    await tickFor(HOUR, world, { policy: costly })
    expect(saidTo()).toEqual(["approval-needed", "approval-needed"])
    await world.say({ verb: "approve", planHash, by: "boss" })
    world.now += TICK
    expect((await world.run(undefined, { policy: costly })).outcome).toMatchObject({ kind: "accepted" })
    expect(world.notices).toHaveLength(2)
  })

  it("the notification of a missing approval names its announcing entry if the newest entry does not hold the plan", async () => {
    world.interference.beforeAppend = async ({ observation }) => {
      if (observation?.kind !== "telling") return undefined
      world.interference = {}
      const news = { at: NOW, run: "rival", writer: "rival", kind: "decided" as const, mode: "live" as const }
      await store.append(nextEntry(STREAM, await store.head(STREAM), news))
      return undefined
    }
    await world.run(undefined, { policy: costly })
    const claim = (await world.entries()).at(-1)
    expect(claim?.observation?.kind).toBe("telling")
    expect(world.notices).toMatchObject([{ state: "approval-needed", entry: { seq: 3, hash: claim?.hash } }])
  })

  it.each([
    ["a cooldown", undefined],
    ["a low load", 10],
  ])("operators are not notified of %s", async (_, load) => {
    if (load === undefined) {
      await world.run()
      world.deliver(4)
    } else world.load = load
    await tickFor(2 * HOUR)
    expect(world.notices).toEqual([])
  })
})

describe("notifications in other modes", () => {
  it("a dry run sends and records no notification", async () => {
    const other = new World(store)
    other.outcomes = [unknown]
    await other.run(alarmOf())
    const before = await kinds()
    expect((await world.run(requestOf({ mode: "dry-run" }))).decision.heldBy).toBe("outcome-unknown")
    expect((await world.run(undefined, { mode: "dry-run" })).decision.heldBy).toBe("outcome-unknown")
    expect(world.notices).toEqual([])
    expect(await kinds()).toEqual(before)
  })

  it("observe mode sends notifications, which name the mode", async () => {
    const other = new World(store)
    other.outcomes = [unknown]
    await other.run(alarmOf())
    world.now += TICK
    await world.run(undefined, { mode: "observe" })
    expect(world.notices).toMatchObject([{ state: "unknown", mode: "observe" }])
  })

  it("no notification is sent or recorded if the policy names no recipient", async () => {
    const silent = new World(store)
    silent.outcomes = [unknown]
    await silent.run(alarmOf())
    await tickFor(2 * HOUR, silent)
    expect(await kinds()).toEqual(["opened", "settled", "decided"])
  })
})

describe("a notification that fails", () => {
  beforeEach(() => {
    world.outcomes = [unknown]
  })

  it("a failed notification is recorded with its reason, changes no result, and is tried again by a later tick", async () => {
    world.deliveries = [{ ok: false, why: "the webhook answered 500" }]
    const result = await world.run(alarmOf())
    expect(result).toMatchObject({ outcome: { kind: "unknown" }, entry: { seq: 2 } })
    expect(await kinds()).toEqual(["opened", "settled", "telling", "not-told"])
    const [, settled] = await world.entries()
    expect((await world.entries()).at(-1)?.observation).toMatchObject({
      says: "notification failed (unknown): the webhook answered 500",
      telling: { entry: { seq: 2, hash: settled?.hash } },
    })
    await tickFor(TICK)
    expect(world.notices).toHaveLength(2)
    await tickFor(55 * MINUTE)
    expect(world.notices).toHaveLength(2)
    await tickFor(TICK)
    expect(world.notices).toHaveLength(3)
  })

  it("the failure of a notification is recorded after entries that other runs wrote meanwhile", async () => {
    world.deliveries = [{ ok: false, why: "the webhook answered 500" }]
    world.whileTelling = async () => {
      world.now += MINUTE
      await world.run()
    }
    await world.run(alarmOf())
    expect(await kinds()).toEqual(["opened", "settled", "telling", "decided", "not-told"])
  })

  it("a notifier that throws against its contract does not fail the run, and its message is not kept", async () => {
    world.whileTelling = async () => {
      throw new Error("https://hooks.example.com/SECRET")
    }
    expect((await world.run(alarmOf())).outcome).toMatchObject({ kind: "unknown" })
    expect(await kinds()).toEqual(["opened", "settled", "telling", "not-told"])
    expect((await world.entries()).at(-1)?.observation).toMatchObject({
      says: "notification failed (unknown): the notifier itself failed",
      telling: { failed: { tries: 1, to: [] } },
    })
    expect(JSON.stringify(await world.entries())).not.toContain("SECRET")
  })

  it("a failed notification does not fail the run if the ledger fails as well", async () => {
    world.deliveries = [{ ok: false, why: "the webhook answered 500" }]
    world.whileTelling = async () => {
      world.interference = { beforeAppend: async () => unreachable(), beforeHead: async () => unreachable() }
    }
    expect(await world.run(alarmOf())).toMatchObject({ outcome: { kind: "unknown" }, entry: { seq: 2 } })
  })

  it("a failed notification does not hold the next purchase", async () => {
    world.deliveries = [{ ok: false, why: "the webhook answered 500" }]
    await world.run(alarmOf())
    const attempt = world.orders[0]?.attempt ?? ""
    await world.say({ verb: "settle", attempt, as: "absent", why: "w", by: "ops", servers: ["s1", "s2"] })
    expect((await world.run()).outcome).toMatchObject({ kind: "accepted" })
  })
})

describe("clocks that differ", () => {
  beforeEach(async () => {
    world.outcomes = [unknown]
    await world.run(alarmOf())
  })

  it("two workers whose clocks differ by hours notify of an unknown outcome only once within the hour", async () => {
    const behind = new World(store)
    behind.listen()
    for (let i = 0; i < 6; i++) {
      world.now += TICK
      behind.now = world.now - 3 * HOUR
      await world.run()
      await behind.run()
    }
    expect([...saidTo(), ...saidTo(behind)]).toEqual(["unknown"])
  })

  it("a notification is dated by the cloud's clock if ours is known to be wrong", async () => {
    world.now += DAY + HOUR
    if (world.supernode.ok) world.supernode = { ...world.supernode, skewMs: -DAY }
    await world.run()
    const claim = (await world.entries()).at(-1)
    expect(claim).toMatchObject({ observation: { kind: "telling" }, at: NOW + HOUR })
    expect(saidTo()).toEqual(["unknown", "unknown"])
  })

  it("an entry about a notification is never dated before the entry that it follows", async () => {
    world.now += HOUR
    await world.run()
    world.now += HOUR - 30 * SECOND
    world.interference.beforeAppend = async (entry) => {
      if (entry.observation?.kind === "telling") world.now -= MINUTE
      return undefined
    }
    world.deliveries = [{ ok: false, why: "the webhook answered 500" }]
    await tickFor(TICK)
    const times = (await world.entries()).map(({ at }) => at)
    expect(times).toEqual([...times].sort((a, b) => a - b))
  })
})

describe("the time left for a notification", () => {
  beforeEach(() => {
    world.outcomes = [unknown]
  })

  it("a notification may take at most five seconds", async () => {
    const limits: number[] = []
    world.whileTelling = async (_, timeoutMs) => {
      limits.push(timeoutMs)
    }
    await world.run(alarmOf())
    expect(limits).toEqual([5 * SECOND])
  })

  it("a notification gets less than five seconds if little time is left, so that a failure can still be recorded", async () => {
    const limits: number[] = []
    world.whileTelling = async (_, timeoutMs) => {
      limits.push(timeoutMs)
    }
    world.interference.beforeAppend = async (entry) => {
      if (entry.observation?.kind === "telling") world.timeLeftMs = 7 * SECOND
      return undefined
    }
    await world.run(alarmOf())
    expect(limits).toEqual([2 * SECOND])
  })

  it.each([
    ["is not announced in the ledger if the time left is too short", 10 * SECOND, []],
    ["is announced in the ledger if two more entries can be written", 10 * SECOND + 1, ["telling"]],
  ])(
    "a notification %s, and is sent exactly once by this run or the next tick: %i ms left",
    async (_, leftMs, claims) => {
      world.whileBuying = async () => {
        world.timeLeftMs = leftMs
      }
      await world.run(alarmOf())
      expect(await kinds()).toEqual(["opened", "settled", ...claims])
      world.timeLeftMs = DAY
      await tickFor(TICK)
      expect(saidTo()).toEqual(["unknown"])
    },
  )

  it.each([
    [10 * SECOND, 0],
    [10 * SECOND + 1, 1],
  ])(
    "a tick without data counts towards the notification of that source only if enough time is left: %i ms left, %i ticks counted",
    async (leftMs, ticks) => {
      world.outcomes = []
      world.load = null
      world.timeLeftMs = leftMs
      await tickFor(TICK)
      expect((await kinds()).filter((kind) => kind === "blind")).toHaveLength(ticks)
    },
  )

  it("a notification is recorded as failed if its announcement in the ledger used up the time left", async () => {
    world.interference.beforeAppend = async (entry) => {
      if (entry.observation?.kind === "telling") world.timeLeftMs = 5 * SECOND
      return undefined
    }
    await world.run(alarmOf())
    expect(world.notices).toEqual([])
    expect((await world.entries()).at(-1)?.observation).toMatchObject({
      kind: "not-told",
      says: "notification failed (unknown): too little time was left in the function",
    })
  })
})

describe("the notification of a purchase", () => {
  beforeEach(() => {
    world.listen(["purchase"])
  })

  it("a purchase is notified once, after its entries, with requester, reason, order and the ledger's heads", async () => {
    const asked = { servers: 4, requestedBy: "ann", why: "a big run" }
    const shown = await world.run(requestOf({ ...asked, id: "shown", mode: "dry-run" }))
    await world.run(requestOf({ ...asked, mode: "live", planHash: shown.plan?.hash ?? null }))
    const entries = await world.entries()
    expect(await kinds()).toEqual(["opened", "settled", "telling", "told"])
    expect(world.notices).toMatchObject([
      {
        state: "purchase",
        orderId: "CS1",
        purchase: {
          from: 2,
          to: 4,
          orderId: "CS1",
          requestedBy: "ann",
          cause: "requested by ann: a big run",
        },
        entry: { seq: 2, hash: entries[1]?.hash },
        anchor: { v: 1, ledger: LEDGER_ID, heads: { [STREAM]: { seq: 3, hash: entries[2]?.hash } } },
      },
    ])
    world.deliver(4)
    await tickFor(2 * HOUR)
    expect(world.notices).toHaveLength(1)
  })

  it("the notification of a purchase does not say that the cloud accepted an order if only a person did", async () => {
    world.outcomes = [unknown]
    await world.run(alarmOf())
    const attempt = (await world.entries()).find(({ kind }) => kind === "opened")?.attempt?.id ?? ""
    await world.say({ verb: "settle", attempt, as: "accepted", why: "w", by: "ops", servers: ["s1", "s2"] })
    await tickFor(TICK)
    expect(world.notices).toMatchObject([
      { state: "purchase", purchase: { isAnswered: false, orderId: null } },
    ])
    expect(world.notices[0]?.says).toMatch(
      /^the order to go .* is recorded as accepted without a response from the cloud/,
    )
  })

  it("the notification of a purchase names the rules that caused the purchase, with their evidence", async () => {
    await world.run(alarmOf())
    expect(world.notices[0]?.says).toMatch(
      /order CS1\. Cause: cloud-eye alarm \S+ of 2024-01-12T\S+; rule \S+ \(.+\)/,
    )
  })

  it("the notification of a purchase reads its attempt's entries, or the newest sixty if another attempt followed", async () => {
    const ranges: unknown[] = []
    const read = store.read.bind(store)
    store.read = (stream, range) => {
      ranges.push(range)
      return read(stream, range)
    }
    const purchases = [{ attempt: "a", at: NOW - DAY, cost: null, state: "booked" as const }]
    const standing = stateWith({ purchases, servers: ["s1", "s2"] })
    const place = { stream: STREAM, prev: "", at: NOW - DAY, run: "r", writer: "w" }
    let head = sealEntry({ ...place, seq: 1, kind: "observed", mode: "live", standing })
    for (; head.seq < 80; head = nextEntry(STREAM, head, { ...place, kind: "observed", mode: "live" }))
      await store.append(head)
    await store.append(head)
    await world.run(alarmOf())
    expect(ranges).toEqual([
      { fromSeq: 22, toSeq: 82 },
      { fromSeq: 81, toSeq: 84 },
    ])
    expect((await kinds()).slice(80)).toEqual(["opened", "settled", "telling", "told", "telling", "told"])
    expect(world.notices.map(({ attempt }) => attempt)).toEqual(["a", expect.any(String)])
  })

  it("the notification of a purchase is repeated by later ticks, only to the recipients that missed it", async () => {
    world.deliveries = [
      { ok: false, why: "2 (wecom): the webhook answered 200 with code 40008", failed: ["2 (wecom)"] },
      { ok: false, why: "the webhook answered 500", failed: ["2 (wecom)"] },
    ]
    await world.run(alarmOf())
    world.deliver(4)
    await tickFor(30 * MINUTE)
    expect(world.notices.map(({ state, to }) => [state, to])).toEqual([
      ["purchase", undefined],
      ["purchase", ["2 (wecom)"]],
      ["purchase", ["2 (wecom)"]],
    ])
    const notes = (await world.entries()).flatMap(({ observation }) =>
      observation?.telling ? [{ kind: observation.kind, failed: observation.telling.failed }] : [],
    )
    const to = ["2 (wecom)"]
    expect((await world.entries()).at(-1)?.observation?.says).toBe(
      "every recipient accepted the notification (purchase)",
    )
    expect(notes).toEqual([
      { kind: "telling" },
      { kind: "not-told", failed: { tries: 1, to } },
      { kind: "telling" },
      { kind: "not-told", failed: { tries: 2, to } },
      { kind: "telling" },
      { kind: "told" },
    ])
  })

  it("the notification of a purchase is sent ten minutes later by a tick if the worker of the purchase died", async () => {
    world.whileTelling = async () => {
      world.interference = { beforeAppend: async () => unreachable(), beforeHead: async () => unreachable() }
    }
    await world.run(alarmOf())
    world.interference = {}
    world.whileTelling = async () => {}
    world.deliver(4)
    await tickFor(TICK)
    expect(world.notices).toHaveLength(1)
    await tickFor(TICK)
    expect(world.notices).toHaveLength(2)
    expect(world.notices[1]).toMatchObject({ purchase: { to: 4 }, orderId: "CS1" })
  })

  it("the notification of a purchase is not sent to a new recipient after three days", async () => {
    const silent = new World(store)
    await silent.run(alarmOf())
    silent.deliver(4)
    world.deliver(4)
    world.load = 10
    world.now += 4 * DAY
    await world.run()
    expect(world.notices).toEqual([])
  })
})

describe("a source without data", () => {
  it("a source without data is notified at the third tick in a row, and then hourly until it has data again", async () => {
    world.load = null
    await tickFor(2 * TICK)
    expect(world.notices).toEqual([])
    await tickFor(TICK)
    expect(world.notices).toMatchObject([{ state: "blind", todo: "supernode-autoscaler doctor" }])
    expect(world.notices[0]?.says).toMatch(
      /\. Load that only this source measures cannot lead to a purchase$/,
    )
    await tickFor(HOUR)
    expect(saidTo()).toEqual(["blind", "blind"])
    expect((await kinds()).filter((kind) => kind === "blind")).toHaveLength(3)
    world.load = 10
    await tickFor(TICK)
    expect((await world.entries()).at(-1)?.standing).not.toHaveProperty("blind")
    const counted = (await world.entries()).flatMap(({ at, observation }) =>
      observation?.kind === "blind" ? [[(at - NOW) / TICK, observation.says]] : [],
    )
    expect(counted).toEqual([
      ...[1, 2, 3].map((ticks) => [ticks, "no data from cloud-eye"]),
      [(world.now - NOW) / TICK, "every source has data again"],
    ])
  })

  it("the notification about an unreadable supernode says that nothing can be bought", async () => {
    world.supernode = { ok: false, why: "HTTP 503", credentials: false }
    await tickFor(3 * TICK)
    expect(world.notices.map(({ says }) => says)).toEqual([
      expect.stringMatching(/HTTP 503\. Nothing can be bought while the supernode cannot be read$/),
    ])
  })

  it("an entry about missing data names all sources without data", async () => {
    const prometheus = { url: "http://127.0.0.1:9090", query: "npu_util", period: "1m" }
    const rules = [ruleInput(), ruleInput({ name: "hot", metric: { prometheus } })]
    world.load = null
    await tickFor(TICK, world, { policy: policyOf({ rules }) })
    expect((await world.entries()).at(-1)?.observation?.says).toBe("no data from cloud-eye, prometheus")
  })

  it("a tick without data counts towards its notification only if a recipient has topic trouble and no other worker appends meanwhile", async () => {
    world.load = null
    world.listen(["purchase", "approval"])
    await tickFor(TICK)
    world.listen()
    world.interference.beforeAppend = async ({ observation }) =>
      observation?.kind === "blind" ? "conflict" : undefined
    await tickFor(TICK)
    expect(await kinds()).toEqual(["decided"])
    world.interference = {}
    await tickFor(2 * TICK)
    expect([saidTo(), (await kinds()).filter((kind) => kind === "blind").length]).toEqual([[], 2])
  })

  it("a source without data is counted once for a tick that is delivered twice, and never for an alarm", async () => {
    world.supernode = { ok: false, why: "HTTP 401", credentials: true }
    const tick = tickOf({ id: "t1", at: world.now })
    await world.run(tick)
    await world.run(tick)
    for (let i = 0; i < 3; i++) {
      world.now += MINUTE
      await world.run(alarmOf({ id: `a${i}`, at: world.now }))
    }
    expect(world.notices).toEqual([])
    expect((await world.entries()).at(-1)?.standing).toMatchObject({
      blind: { supernode: { ticks: 1, why: "HTTP 401" } },
    })
  })
})

describe("the policy file as a whole", () => {
  const refused = { says: "policy.yaml:3:1: version: must be 1", since: NOW }

  it("a daily notification with the ledger's heads is sent by ticks only", async () => {
    world.listen(["daily"])
    world.load = 10
    const over = { policyFile: { refused: null } }
    await world.run(alarmOf(), over)
    expect(world.notices).toEqual([])
    await tickFor(DAY + HOUR, world, over)
    expect(world.notices).toMatchObject([{ state: "daily" }, { state: "daily" }])
    const anchor = world.notices[1]?.anchor
    const at = anchor?.heads[STREAM]?.seq ?? 0
    expect((await world.entries())[at - 1]?.hash).toBe(anchor?.heads[STREAM]?.hash)
    // Nothing but the claim states that a day is over.
    expect(world.notices[1]?.entry).toEqual({ stream: STREAM, ...anchor?.heads[STREAM] })
  })

  it("a refused policy file is notified once, and again only after a failed delivery", async () => {
    world.listen(["policy"])
    world.load = 10
    world.deliveries = [{ ok: false, why: "the webhook answered 500" }, { ok: true }]
    await tickFor(TICK, world, { policyFile: { refused } })
    const [, claim, failed] = await world.entries()
    const entry = { seq: claim?.seq, hash: claim?.hash }
    expect(world.notices).toMatchObject([{ state: "policy-refused", entry }])
    expect(failed?.observation).toMatchObject({ kind: "not-told", telling: { entry } })
    world.notices = []
    await tickFor(HOUR, world, { policyFile: { refused } })
    await tickFor(HOUR)
    expect(world.notices).toMatchObject([
      {
        state: "policy-refused",
        says: expect.stringContaining(refused.says),
        todo: "supernode-autoscaler validate",
      },
    ])
  })
})

it("the state keeps a bounded number of notification records", async () => {
  world.listen()
  world.outcomes = Array.from({ length: 40 }, () => rejected("balance"))
  for (let i = 0; i < 40; i++) {
    world.now += HOUR
    await world.run(alarmOf({ id: `a${i}`, at: world.now }))
    await world.say({ verb: "reset", why: "again", by: "ops" })
  }
  const told = (await world.entries()).at(-1)?.standing as { told?: object }
  expect(world.notices.length).toBeGreaterThan(30)
  expect(Buffer.byteLength(JSON.stringify(told.told))).toBeLessThan(4_000)
})

describe("many notifications and many workers", () => {
  it("a run sends at most three notifications, and leaves the fourth to the next tick", async () => {
    const at = NOW - HOUR
    const purchases = ["a", "b", "c", "d"].map((attempt) => ({
      attempt,
      at,
      cost: null,
      state: "booked" as const,
    }))
    const place = { stream: STREAM, seq: 1, prev: "", at, run: "r", writer: "w" }
    const standing = stateWith({ purchases, servers: ["s1", "s2"] })
    await store.append(sealEntry({ ...place, kind: "observed", mode: "live", standing }))
    world.listen(["purchase"])
    world.load = 10
    await tickFor(TICK)
    expect(world.notices.map(({ attempt }) => attempt)).toEqual(["a", "b", "c"])
    await tickFor(TICK)
    expect(world.notices.map(({ attempt }) => attempt)).toEqual(["a", "b", "c", "d"])
  })

  it.each(["telling", "not-told"])(
    "a run gives up recording a notification after three lost appends: record %s",
    async (kind) => {
      let lost = 0
      world.outcomes = [unknown]
      world.deliveries = [{ ok: false, why: "the webhook answered 500" }]
      world.interference.beforeAppend = async ({ observation }) => {
        if (observation?.kind !== kind) return undefined
        lost += 1
        return "conflict"
      }
      expect((await world.run(alarmOf())).outcome?.kind).toBe("unknown")
      expect([lost, world.notices.length]).toEqual([3, kind === "telling" ? 0 : 1])
    },
  )
})
