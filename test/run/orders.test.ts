import { beforeEach, describe, expect, it } from "vitest"
import type { CloudOrder } from "../../lib/decision/state/order.ts"
import type { Read } from "../../lib/ports.ts"
import {
  alarmOf,
  DAY,
  HOUR,
  MINUTE,
  NOW,
  offersOf,
  policyOf,
  requestOf,
  SECOND,
} from "../decision/builders.ts"
import { World } from "./world.ts"

// The order after an accepted purchase, as ticks see it over hours and days.

const TICK = 5 * MINUTE
// The long cooldown prevents further purchases in these tests.
const policy = policyOf({ cooldown: "20d" })
let world: World

beforeEach(async () => {
  world = await World.open()
  world.listen(["trouble"])
})

const shows = (status: number, amount: CloudOrder["amount"] = null): Read<CloudOrder> => ({
  ok: true,
  value: { status, amount },
  skewMs: 0,
})
const fails = (over: { refused?: true; credentials?: boolean; why?: string } = {}): Read<CloudOrder> => ({
  ok: false,
  why: "showCustomerOrderDetails at bss.test answered",
  credentials: false,
  ...over,
})

/** Runs an alarm that buys; its servers run from the next tick on. */
async function buy(order: Read<CloudOrder>): Promise<void> {
  world.order = order
  await world.run(alarmOf(), { policy })
  world.deliver(4)
}

async function tickFor(durationMs: number, every = TICK): Promise<void> {
  const end = world.now + durationMs
  while (world.now + every <= end) {
    world.now += every
    await world.run(undefined, { policy })
  }
}

const reads = () => world.asked.filter((verb) => verb === "order").length
const orderEntries = async () =>
  (await world.entries()).filter(({ observation }) => observation?.kind === "order")
const orderNow = async () => (await orderEntries()).at(-1)?.observation?.order
const told = () => world.notices.map(({ state, says, todo }) => `${state}: ${says} | ${todo}`)

describe("an accepted order that cannot be read", () => {
  it.each<[string, Read<CloudOrder>, string]>([
    ["the keys may not read", fails({ credentials: true }), "Grant the keys the permission to view orders."],
    [
      "the billing service does not know",
      fails({ refused: true }),
      "Check that SUPERNODE_BSS_ENDPOINT names",
    ],
    ["gets no response", fails(), "Check the connection to the billing service."],
  ])(
    "an order that %s is recorded once, read again by later ticks, and reported once after half an hour",
    async (_t, read, advice) => {
      await buy(read)
      await tickFor(25 * MINUTE)
      expect([reads(), told(), (await orderEntries()).length]).toEqual([6, [], 1])
      await tickFor(5 * HOUR)
      expect(told()).toEqual([
        expect.stringMatching(
          /^order-unreadable: order CS1 cannot be read: .* \| supernode-autoscaler doctor$/,
        ),
      ])
      expect(told()[0]).toContain(advice)
      expect(await orderEntries()).toHaveLength(1)
    },
  )

  it("an order that cannot be read is read again for a day, and no longer", async () => {
    await buy(fails({ credentials: true }))
    await tickFor(3 * DAY, 2 * HOUR)
    expect(reads()).toBe(12)
    expect(told()).toHaveLength(1)
  })

  it("an order that could not be read is reported as unpaid as soon as a read shows it", async () => {
    await buy(fails({ refused: true }))
    await tickFor(10 * MINUTE)
    world.order = shows(6)
    await tickFor(TICK)
    expect(told()).toEqual([expect.stringMatching(/^order-unpaid: order CS1 is pending payment\. Pay it/)])
  })

  it("an unreadable order keeps its most serious reason, so that alternating reasons do not fill the ledger", async () => {
    await buy(fails())
    for (const read of [
      fails({ credentials: true }),
      fails(),
      fails({ refused: true }),
      fails({ credentials: true }),
    ]) {
      world.order = read
      await tickFor(TICK)
    }
    expect(await orderEntries()).toHaveLength(2)
    await tickFor(HOUR)
    expect(told()[0]).toContain("Grant the keys the permission")
  })
})

describe("an accepted order", () => {
  it.each([
    [2, /^order-differs: order CS1 is pending refund, although the cloud accepted the purchase/],
    [4, /^order-differs: order CS1 is cancelled, although the cloud accepted the purchase/],
    [
      77,
      /^order-differs: order CS1 is in status 77, which is not a known status\. Check the order in the Billing/,
    ],
  ])("an accepted order in status %i is reported once", async (status, words) => {
    await buy(shows(status))
    await tickFor(9 * DAY, 6 * HOUR)
    expect(told()).toEqual([expect.stringMatching(words)])
  })

  it.each([1, 3, 5, 9])("an accepted order in status %i is not reported", async (status) => {
    await buy(shows(status))
    await tickFor(2 * HOUR, HOUR)
    expect(told()).toEqual([])
  })

  it("an accepted order is read until its status is final, also after its servers run", async () => {
    await buy(shows(3))
    await tickFor(2 * HOUR, HOUR)
    expect(reads()).toBe(3)
    world.order = shows(6)
    await tickFor(TICK)
    expect(told()).toEqual([expect.stringMatching(/^order-unpaid/)])
    world.order = shows(5)
    await tickFor(HOUR)
    expect(reads()).toBe(5)
  })

  it("an unpaid order is reported again and again during the seven days in which it is read", async () => {
    await buy(shows(6))
    await tickFor(9 * DAY, 6 * HOUR)
    expect(reads()).toBe(7 * 4)
    expect(told()).toHaveLength(7 * 4)
  })
})

describe("the order of an accepted purchase", () => {
  it.each([
    ["is read by a tick with more than 18 s left", 18 * SECOND + 1, undefined, 1],
    ["is not read by a tick with 18 s left", 18 * SECOND, undefined, 0],
    ["is not read by an alarm that buys nothing", DAY, alarmOf({ id: "again", at: NOW + TICK }), 0],
    ["is not read by a dry run", DAY, requestOf({ at: NOW + TICK }), 0],
  ])("a purchase's order %s", async (_, leftMs, signal, times) => {
    await buy(shows(3))
    world.now += TICK
    world.asked = []
    world.timeLeftMs = leftMs
    await world.run(signal, { policy })
    expect(reads()).toBe(times)
  })

  it("the entry with an order's status has the time of the reading, and no servers", async () => {
    await buy(shows(3))
    await tickFor(2 * TICK)
    world.order = shows(5)
    await tickFor(TICK)
    expect((await orderEntries()).at(-1)).toMatchObject({
      kind: "observed",
      at: world.now,
      observation: { at: world.now, servers: [], present: null, order: { status: 5, at: world.now } },
    })
  })

  it("an order keeps the status that an earlier reading showed if a later reading fails", async () => {
    await buy(shows(6))
    world.order = fails({ credentials: true })
    await tickFor(TICK)
    expect([reads(), (await orderEntries()).length, (await orderNow())?.status]).toEqual([2, 1, 6])
  })

  it("an order keeps the amount that an earlier reading showed", async () => {
    const amount = { minor: 12_000_000, currency: "CNY" }
    await buy(shows(3, amount))
    world.order = shows(5)
    await tickFor(TICK)
    expect(await orderNow()).toMatchObject({ status: 5, amount })
  })

  it("an unreadable order keeps the time of its first failed reading, and 300 characters of the reason", async () => {
    await buy(fails())
    world.order = fails({ credentials: true, why: "x".repeat(400) })
    await tickFor(TICK)
    expect(await orderNow()).toMatchObject({ unreadable: "no-right", why: "x".repeat(300), at: NOW })
  })

  it("an order takes no status and no amount from an earlier purchase's order", async () => {
    const ladder = [2, 4, 8].map((servers) => ({ flavor: `rung-${servers}`, servers }))
    const twice = policyOf({ ladder, limits: { actions: "9 per 24h", servers: 48 } })
    world.offers = { ok: true, value: offersOf("rung-4", "rung-8"), skewMs: 0 }
    world.order = shows(3, { minor: 1, currency: "CNY" })
    await world.run(alarmOf(), { policy: twice })
    world.deliver(4)
    world.now += TICK
    await world.run(undefined, { policy: twice })
    world.now += DAY
    world.order = fails()
    expect((await world.run(undefined, { policy: twice })).outcome?.kind).toBe("accepted")
    const attempt = world.orders[1]?.attempt
    expect(await orderNow()).toMatchObject({ attempt, status: null, amount: null, at: world.now })
  })

  it("a client that throws against its contract when it reads an order does not fail the run", async () => {
    await buy(shows(3))
    world.cloud.readOrder = async () => {
      throw new Error("boom")
    }
    world.now += TICK
    expect((await world.run(undefined, { policy })).decision.heldBy).toBe("cooldown")
    expect(await orderEntries()).toHaveLength(1)
  })
})
