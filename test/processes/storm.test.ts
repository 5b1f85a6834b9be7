import { beforeAll, describe, expect, it } from "vitest"
import { IS_FULL } from "../full.ts"
import { SERVER_PROGRAMS } from "../ledger/postgres/server.ts"
import { Random } from "../world/random.ts"
import { BREAKS } from "./breaks.ts"
import { type Bundle, brokenBundle, bundle } from "./bundle.ts"
import { type Delivery, sameAlarm, stormOf } from "./deliveries.ts"
import type { StoreName } from "./store-fixture.ts"
import { problemsOf, runStorm, type Storm, type StormOptions } from "./storm.ts"

// `npm run storm` makes 10,000 deliveries.

const PROCESSES = 4
const SEED = 1
const DELIVERIES = IS_FULL ? 400 : 200

let whole: Bundle
beforeAll(async () => {
  whole = await bundle("worker")
})

const storm = (options: Partial<StormOptions> & { deliveries: Delivery[] }): Promise<Storm> =>
  runStorm({ bundle: whole, store: "sqlite", processes: PROCESSES, lanes: 4, ...options })

const shapes = sameAlarm(Date.now())
const shuffled = (count: number): Delivery[] => stormOf(count, { random: new Random(SEED), now: Date.now() })
const same = (count: number): Delivery[] =>
  Array.from({ length: Math.ceil(count / 3) }, () => shapes)
    .flat()
    .slice(0, count)

describe(`one alarm in its three shapes, delivered 100 times at once over ${PROCESSES} processes`, () => {
  it("100 deliveries of one alarm at once lead to one POST, and the ledger's chain verifies", async () => {
    const { posts, ...ended } = await storm({ deliveries: same(100), lanes: 25 })
    expect(posts).toBe(1)
    expect(problemsOf({ posts, ...ended })).toEqual([])
  })

  it("100 deliveries of one alarm at once lead to one POST, even if the response to the POST is lost", async () => {
    const ended = await storm({ deliveries: same(100), lanes: 25, answerIsLost: true })
    expect(problemsOf(ended)).toEqual([])
    expect(ended.ends["same alarm"]).toMatchObject({ "bought: unknown": 1 })
  })
})

describe(`${DELIVERIES} deliveries of alarms, re-notifications, OKs and ticks, shuffled over ${PROCESSES} processes`, () => {
  const stores: StoreName[] = ["sqlite", "dynamodb"]
  if (IS_FULL && SERVER_PROGRAMS !== null) stores.push("postgres")
  it.each(stores)(
    "shuffled alarms and ticks lead to one POST with ledger %s, a valid chain, and a known result of each run",
    async (store) => {
      expect(
        problemsOf(await storm({ deliveries: shuffled(DELIVERIES), store, provisioningMs: 1_000 })),
      ).toEqual([])
    },
  )
})

describe("a storm over deliberately broken code", () => {
  it.each([
    ["takes-a-conflict-for-won", {}],
    ["retries-the-purchase", { answerIsLost: true }],
  ] as const)(
    "the test of repeated alarms detects the deliberate fault %s by more than one POST",
    async (name, options) => {
      const broken = await brokenBundle("worker", BREAKS[name])
      try {
        const { posts } = await storm({ bundle: broken, deliveries: same(40), lanes: 10, ...options })
        expect(posts).toBeGreaterThan(1)
      } finally {
        broken.remove()
      }
    },
  )
})
