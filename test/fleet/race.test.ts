import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { IS_FULL } from "../full.ts"
import { Arena, type Fight } from "./arena.ts"

// 100,000 attempts, a thousand at once:
// FLEET_RACES=100 FLEET_ATTEMPTS=1000 npx vitest run test/fleet/race.test.ts

const RACES = Number(process.env["FLEET_RACES"] ?? 40)
const ATTEMPTS = Number(process.env["FLEET_ATTEMPTS"] ?? 10)
const SEED = Number(process.env["FLEET_SEED"] ?? 1)
const HOUR_MS = 3_600_000

const fights: fc.Arbitrary<Fight> = fc.record({
  seed: fc.nat(),
  supernodes: fc.integer({ min: 2, max: Math.max(3, Math.ceil(ATTEMPTS / 3)) }),
  attempts: fc.constant(ATTEMPTS),
  cap: fc.constantFrom(1, 1, 2, 3, 9),
  ownCap: fc.integer({ min: 1, max: 2 }),
  budget: fc.constantFrom(1, 2, 3, 9, 9),
  byRank: fc.boolean(),
  weights: fc.constantFrom<Fight["weights"]>([1, 0, 0], [1, 1, 0], [1, 1, 1], [1, 0, 1]),
})

describe(`${ATTEMPTS} attempts at once, over many supernodes, in every order of their steps`, () => {
  it(
    "concurrent attempts never exceed a cap of the fleet or of a supernode, and leave no allowed purchase unused",
    async () => {
      const tally = { fights: 0, attempts: 0, orders: 0, steps: 0 }
      await fc.assert(
        fc.asyncProperty(fights, async (fight) => {
          const arena = new Arena(fight)
          await arena.fightItOut()
          expect(arena.violations).toEqual([])
          expect(arena.orders.length).toBeGreaterThanOrEqual(1)
          tally.attempts += arena.results.length
          await arena.mopUp()
          expect(arena.violations).toEqual([])
          // A supernode has at most one purchase in flight. So the caps are reached, or every supernode has a
          // purchase or was refused again.
          const { cap, budget, supernodes, weights } = fight
          if (weights[1] === 0) expect(arena.costly).toHaveLength(Math.min(cap, budget, supernodes))
          tally.fights += 1
          tally.orders += arena.orders.length
          tally.steps += arena.steps
        }),
        { numRuns: RACES, seed: SEED },
      )
      console.log(
        `races under the fleet's caps: ${tally.fights} of ${ATTEMPTS} attempts at once, ${tally.attempts} attempts in ${tally.steps} steps, ${tally.orders} orders: no cap exceeded`,
      )
    },
    HOUR_MS,
  )

  it("the test of concurrent attempts fails if stream fleet accepts any entry", async () => {
    const fight: Fight = {
      seed: 1,
      supernodes: 8,
      attempts: 16,
      cap: 1,
      ownCap: 1,
      budget: 9,
      byRank: false,
      weights: [1, 0, 0],
      broken: "fleet-appends-anywhere",
    }
    const arena = new Arena(fight)
    await arena.fightItOut()
    expect(arena.violations).not.toEqual([])
  })

  it("concurrent attempts have the same results with the same seed", async () => {
    const fight: Fight = {
      seed: 7,
      supernodes: 4,
      attempts: 12,
      cap: 2,
      ownCap: 1,
      budget: 9,
      byRank: false,
      weights: [1, 1, 1],
    }
    const [once, again] = [new Arena(fight), new Arena(fight)]
    await once.fightItOut()
    await again.fightItOut()
    expect(again.results).toEqual(once.results)
    expect(again.orders).toEqual(once.orders)
  })
})

/** Counts runs by the outcome of their order, or by the reason of their hold. */
function endsOf({ results }: Arena): Record<string, number> {
  const ends: Record<string, number> = {}
  for (const { decision, outcome } of results) {
    const end = outcome?.kind ?? decision.heldBy ?? "none"
    ends[end] = (ends[end] ?? 0) + 1
  }
  return ends
}

/** Each buyer reads the chains of all others, so a thousand members take minutes. */
const MEMBERS = IS_FULL ? 1_000 : 40

interface Crowd {
  members: number
  processes: number
  cap: number
}

const crowds: [string, Crowd][] = [
  [
    "one process, which takes turns and buys all that the cap allows",
    { members: MEMBERS, processes: 1, cap: MEMBERS / 20 },
  ],
  ["four processes", { members: MEMBERS, processes: 4, cap: IS_FULL ? 10 : 2 }],
]
// A run gives up after 24 lost reservations, so more than 24 must be able to buy.
if (IS_FULL)
  crowds.push([
    "a process each, and those that lose each time hold as overtaken",
    { members: 60, processes: 60, cap: 60 },
  ])

describe("members of one fleet that all want to buy at once", () => {
  it.each(crowds)(
    "members of one fleet that buy at once never exceed its cap in %s",
    async (_, { members, processes, cap }) => {
      const fight: Fight = {
        seed: 11,
        supernodes: members,
        attempts: members,
        processes,
        cap,
        ownCap: 1,
        budget: members,
        byRank: false,
        weights: [1, 0, 0],
      }
      const arena = new Arena(fight)
      await arena.initLedger()
      await arena.fightItOut()
      expect(arena.violations).toEqual([])
      const { accepted = 0, overtaken = 0, "action-rate": capped = 0, ...others } = endsOf(arena)
      expect(others).toEqual({})
      expect(arena.costly).toHaveLength(accepted)
      expect(accepted).toBeGreaterThan(0)
      if (processes === 1) expect({ accepted, capped }).toEqual({ accepted: cap, capped: members - cap })
      if (cap === members) expect(overtaken).toBeGreaterThan(0)
      console.log(
        `${members} members in ${processes} processes: ${JSON.stringify({ accepted, overtaken, capped })}`,
      )
    },
    HOUR_MS,
  )
})
