import { describe, expect, it } from "vitest"
import { type AuditedLedger, ledgerOver } from "../../lib/ledger/chain.ts"
import { initLedger } from "../../lib/ledger/init.ts"
import { openMemoryStore } from "../../lib/ledger/memory.ts"
import { supernodeStream } from "../../lib/ledger/next-entry.ts"
import type { LedgerStore } from "../../lib/ledger/store.ts"
import { DAY, MINUTE, NOW, policyOf } from "../decision/builders.ts"
import { initialised } from "../ledger/initialised.ts"
import { clockAt } from "../world/clock.ts"
import { ExchangeableStore } from "../world/exchangeable-store.ts"
import { loadedOf } from "../world/task.ts"
import { unknown, World } from "./world.ts"

// Whole runs on ledgers that are lost, rolled back, restored or begun anew, with true and false statements of
// people about them. The tests count the orders that are sent.

const BY = { by: "ann", why: "test" }

let ids = 0
async function init(store: LedgerStore, { at = NOW, nothingInFlight = false } = {}): Promise<AuditedLedger> {
  const ledger = ledgerOver(store)
  await initLedger({ ledger, clock: clockAt(at), newId: () => `ledger-${++ids}` }, { ...BY, nothingInFlight })
  return ledger
}

const INPUT: Parameters<typeof policyOf>[0] = {
  cooldown: "0s",
  min_interval: "0s",
  limits: { actions: "6 per 24h", servers: 48 },
}
const policy = policyOf(INPUT)

async function heldBy(world: World): Promise<string | null> {
  return (await world.run(undefined, { policy })).decision.heldBy
}

/**
 * A world in which an order was sent, and then its response and its ledger were lost: only the cloud knows
 * the order.
 */
async function afterLoss({ nothingInFlight = false } = {}): Promise<World> {
  const old = await World.open()
  old.outcomes = [unknown]
  await old.run(undefined, { policy })
  expect(old.orders).toHaveLength(1)
  return new World(await init(openMemoryStore(), { nothingInFlight }))
}

interface Clocks {
  title: string
  /** Our clock minus the true time. */
  oursOffMs: number
  /** The cloud's `Date` minus the true time; `null` if responses have no `Date`. */
  dateOffMs: number | null
  buys: boolean
}

describe("the 45 minutes of a new ledger", () => {
  it.each<Clocks & { after: number }>([
    { title: "correct clocks", after: 44 * MINUTE, oursOffMs: 0, dateOffMs: 0, buys: false },
    { title: "correct clocks", after: 45 * MINUTE, oursOffMs: 0, dateOffMs: 0, buys: true },
    { title: "our clock runs ahead", after: MINUTE, oursOffMs: DAY, dateOffMs: 0, buys: false },
    {
      title: "our clock runs ahead, and no Date",
      after: MINUTE,
      oursOffMs: DAY,
      dateOffMs: null,
      buys: false,
    },
    { title: "the Date runs ahead", after: MINUTE, oursOffMs: 0, dateOffMs: DAY, buys: false },
    {
      title: "our clock is 50 s ahead",
      after: 45 * MINUTE - 50_000,
      oursOffMs: 50_000,
      dateOffMs: 0,
      buys: false,
    },
    { title: "no Date", after: DAY, oursOffMs: 0, dateOffMs: null, buys: false },
    { title: "our clock went back", after: DAY, oursOffMs: -2 * DAY, dateOffMs: 0, buys: false },
  ])(
    "the 45 minutes in which a new ledger buys nothing end only by a time that the cloud confirmed: $title, $after ms after init",
    async ({ after, oursOffMs, dateOffMs, buys }) => {
      const world = await afterLoss()
      // The first run confirms when the 45 minutes begin.
      expect(await heldBy(world)).toBe("ledger-new")
      world.now = NOW + after + oursOffMs
      const skewMs = dateOffMs === null ? null : dateOffMs - oursOffMs
      world.supernode = { ...world.supernode, skewMs }
      world.offers = { ...world.offers, skewMs }
      const { decision } = await world.run(undefined, { policy })
      expect(world.orders).toHaveLength(buys ? 1 : 0)
      const failed = decision.findings.flatMap(({ passed, reason }) => (passed === false ? [reason] : []))
      // With a wrong clock the gate for clocks holds first. The ledger is still checked by the confirmed
      // time.
      if (!buys && Math.abs(skewMs ?? 0) <= MINUTE && skewMs !== null)
        expect(decision.heldBy).toBe("ledger-new")
      expect(failed.length > 0).toBe(!buys)
    },
  )

  it.each([
    ["45 minutes slow", -45 * MINUTE],
    ["a year slow", -365 * DAY],
    ["a year ahead", 365 * DAY],
  ])(
    "the 45 minutes in which a new ledger buys nothing count from the first confirmed time, even if the clock of `ledger init` was %s",
    async (_, offMs) => {
      const world = new World(await init(openMemoryStore(), { at: NOW + offMs }))
      // A run that another gate holds confirms a time, too.
      await world.run(undefined, { policy })
      for (const [minutes, reason] of [
        [1, "ledger-new"],
        [44, "ledger-new"],
        [45, null],
      ] as const) {
        world.now = NOW + minutes * MINUTE
        expect(await heldBy(world)).toBe(reason)
      }
      expect(world.orders).toHaveLength(1)
    },
  )

  it("a supernode added later does not wait for 45 minutes if another chain shows that the ledger is old enough", async () => {
    const ledger = await init(openMemoryStore())
    const [first, added] = [new World(ledger), new World(ledger)]
    const other = policyOf({ ...INPUT, name: "added", id: "0f2d4c11-9d7b-4f0e-8a55-3d2c1b0a9e8f" })
    await first.run(undefined, { policy })
    added.now = NOW + 45 * MINUTE
    const streams = [policy, other].map(({ id }) => `supernode:${id}`)
    expect((await added.run(undefined, { policy: other, fleetStreams: streams })).decision.heldBy).toBeNull()
    expect(added.orders).toHaveLength(1)
  })

  it("an entry of a run that had read a lost ledger neither starts nor skips the 45 minutes in which the new ledger buys nothing", async () => {
    const place = new ExchangeableStore()
    await init(place.store)
    const old = new World(ledgerOver(place))
    const fresh = openMemoryStore()
    let hasHappened = false
    old.interference = {
      beforeAppend: async () => {
        if (hasHappened) return
        hasHappened = true
        await init(fresh, { at: NOW + 3 * 60 * MINUTE })
        place.store = fresh
      },
    }
    await old.run(undefined, { policy }).catch(() => null)
    expect(await fresh.head(`supernode:${policy.id}`)).toBeDefined()
    // Nor does that entry make a later `ledger init` take the ledger for an older one.
    const late = openMemoryStore()
    const raw = await fresh.head(`supernode:${policy.id}`)
    if (raw) await late.append(`supernode:${policy.id}`, raw)
    const made = (await (await init(late)).head("control"))?.standing
    expect(made).toMatchObject({ ledger: { origin: "empty" } })
    const world = new World(ledgerOver(fresh))
    world.now = NOW + 3 * 60 * MINUTE + MINUTE
    expect(await heldBy(world)).toBe("ledger-new")
  })

  it("a new ledger buys nothing for 45 minutes, even if its fleet stream has a reservation of a run that had read the replaced one", async () => {
    const fleet = { actions: { count: 4, perMs: DAY }, budget: null }
    const place = new ExchangeableStore()
    await init(place.store, { nothingInFlight: true })
    const fresh = openMemoryStore()
    const world = new World(ledgerOver(place))
    world.interference = {
      beforeAppend: async (entry) => {
        if (entry.stream === "fleet") place.store = fresh
        if (entry.kind === "opened" && entry.stream !== "fleet") throw new Error("the run dies here")
      },
    }
    await world.run(undefined, { policy: { ...policy, fleet } }).catch(() => null)
    expect(await fresh.head("fleet")).toBeDefined()
    const made = (await (await init(fresh)).head("control"))?.standing
    expect(made).toMatchObject({ ledger: { origin: "empty" } })
  })

  it("a new ledger after a lost one places no second order: it holds for 45 minutes, and then for the first order's servers", async () => {
    const world = await afterLoss()
    for (const minutes of [0, 10, 44]) {
      world.now = NOW + minutes * MINUTE
      expect(await heldBy(world)).toBe("ledger-new")
    }
    world.deliver(3, { status: "CREATING" })
    world.now = NOW + 46 * MINUTE
    expect(await heldBy(world)).not.toBeNull()
    expect(world.orders).toEqual([])
  })

  it("a new ledger buys at once after a false statement that nothing is in flight; the extra servers then hold as wrong", async () => {
    const world = await afterLoss({ nothingInFlight: true })
    world.now += MINUTE
    expect(await heldBy(world)).toBeNull()
    expect(world.orders).toHaveLength(1)
    // Both orders arrive, so there are more servers than the ledger has orders for.
    const ordered = (world.orders[0]?.plan.to ?? 0) - 2
    world.deliver(2 + 2 * ordered)
    world.now += 10 * MINUTE
    expect(await heldBy(world)).toBe("wrong")
    world.now += DAY
    expect(await heldBy(world)).toBe("wrong")
    expect(world.orders).toHaveLength(1)
  })
})

it.each([
  ["`ledger init` did not make", async () => ledgerOver(openMemoryStore()), "ledger-new"],
  ["the policy does not name", () => init(openMemoryStore(), { nothingInFlight: true }), "ledger-other"],
] as const)(
  "a run on a ledger that %s ends without a cloud call and without an entry",
  async (_, open, reason) => {
    const ledger = await open()
    const world = new World(ledger)
    const result = await world.run(undefined, { loaded: { ...loadedOf(policy), ledgerId: "the-one" } })
    expect(result).toMatchObject({ supernode: policy.name, mode: "live", entry: null })
    expect(result.decision).toMatchObject({ kind: "hold", heldBy: reason })
    expect([world.asked, world.orders, await world.entries(supernodeStream(policy.id))]).toEqual([[], [], []])
  },
)

describe("a ledger that changes below a running process", () => {
  it.each([
    ["was rolled back", "backup", "ledger-behind"],
    ["was exchanged for a new one", "new", "ledger-behind"],
    ["was lost", "lost", "ledger-behind"],
  ] as const)(
    "a process whose ledger %s holds, writes nothing, and sends no second order",
    async (_, kind, reason) => {
      const place = new ExchangeableStore()
      await initialised(ledgerOver(place), NOW)
      const backup = await place.copy()
      const world = new World(ledgerOver(place))
      world.outcomes = [unknown]
      await world.run(undefined, { policy })
      expect(world.orders).toHaveLength(1)
      place.store = kind === "backup" ? backup : openMemoryStore()
      if (kind === "new") await init(place.store, { nothingInFlight: true })
      const before = await headsOf(place)
      for (const minutes of [1, 60, 600]) {
        world.now = NOW + minutes * MINUTE
        expect(await heldBy(world)).toBe(reason)
      }
      expect(await headsOf(place)).toEqual(before)
      expect(world.orders).toHaveLength(1)
    },
  )

  it("every process holds after `ledger restored` until the supernode is confirmed", async () => {
    const place = new ExchangeableStore()
    await initialised(ledgerOver(place), NOW)
    const backup = await place.copy()
    const running = new World(ledgerOver(place))
    running.outcomes = [unknown]
    await running.run(undefined, { policy })
    place.store = backup
    const started = new World(ledgerOver(place))
    await started.say({ verb: "restored", ...BY })
    for (const world of [running, started]) expect(await heldBy(world)).toBe("ledger-restored")
    await started.say({ verb: "reset", ...BY })
    await started.say({ verb: "confirm", supernode: "00000000-0000-4000-8000-000000000000", ...BY })
    for (const world of [running, started]) expect(await heldBy(world)).toBe("ledger-restored")
    await started.say({ verb: "confirm", supernode: policy.id, ...BY })
    expect(await heldBy(started)).toBeNull()
    expect([running.orders.length, started.orders.length]).toEqual([1, 1])
  })
})

async function headsOf(store: LedgerStore): Promise<Record<string, number>> {
  const heads: Record<string, number> = {}
  for await (const stream of store.streams()) heads[stream] = (await store.head(stream))?.seq ?? 0
  return heads
}

it.each([
  [
    "another ledger takes the ledger's place",
    async (place: ExchangeableStore) => {
      place.store = openMemoryStore()
      await init(place.store, { nothingInFlight: true })
    },
    null,
  ],
  [
    "a person states that the ledger was restored",
    (place: ExchangeableStore) => new World(ledgerOver(place)).say({ verb: "restored", ...BY }),
    "ledger-restored",
  ],
])("sends no order if %s between the attempt and the request", async (_, happens, reason) => {
  const place = new ExchangeableStore()
  await init(place.store, { nothingInFlight: true })
  const world = new World(ledgerOver(place))
  let hasHappened = false
  world.interference = {
    beforeHead: async (stream) => {
      const isOpened = (await place.store.head(`supernode:${policy.id}`)) !== undefined
      if (stream !== "control" || !isOpened || hasHappened) return
      hasHappened = true
      await happens(place)
    },
  }
  const ended = await world.run(undefined, { policy }).catch(() => null)
  expect(hasHappened).toBe(true)
  expect(world.orders).toEqual([])
  if (reason) expect(ended?.outcome).toMatchObject({ kind: "not-sent", reason })
})

it("does not buy if the cloud's responses have no Date, since no second clock confirms ours", async () => {
  const world = await World.open()
  world.supernode = { ...world.supernode, skewMs: null }
  world.offers = { ...world.offers, skewMs: null }
  expect(await heldBy(world)).toBe("clock-skewed")
  expect(world.orders).toEqual([])
})
