import { describe, expect, it } from "vitest"
import { IS_FULL } from "../full.ts"
import { BREAKS } from "./breaks.ts"
import { bundle } from "./bundle.ts"
import { hunt, ruleOf, seedsUpTo } from "./hunt.ts"
import { FIRST_TOGETHER } from "./meters.ts"
import { runLives, runSeeds } from "./pool.ts"
import type { Report } from "./simulate.ts"
import { failureLines, Summary } from "./summary.ts"

// Days in the life of a small fleet, drawn from a seed: virtual time, several workers, and faults in the
// store, the network, the cloud, the clocks and the events. `npm run simulate:faults -- --seeds 10000`
// continues with more seeds.

/** `npm run test:full` runs 200 lives here, and 2,000 by the command. */
const SEEDS = IS_FULL ? 200 : 120
/** Further lives, in which the supernodes of an event ask the meters together. */
const TOGETHER = IS_FULL ? 40 : 4

/** A life of many members takes a minute or more. Its seed has caps across supernodes and buys often. */
const MEMBERS = IS_FULL ? 1_000 : 20
const CROWDED = 22

async function reportsOf(
  seeds: Iterable<number>,
  { asIs = false, members = 2 }: { asIs?: boolean; members?: number } = {},
): Promise<Map<number, Report>> {
  const reports = new Map<number, Report>()
  await runSeeds({
    bundle: await bundle({ asIs }),
    seeds,
    members,
    onReport: (report) => {
      reports.set(report.seed, report)
      return false
    },
  })
  return reports
}

describe("a simulated fleet", () => {
  it(`a simulated fleet breaks no rule in ${SEEDS + TOGETHER} simulations, and buys all that it may once faults are over`, async () => {
    const summary = new Summary()
    await runLives({
      seeds: [...seedsUpTo(SEEDS), ...seedsUpTo(FIRST_TOGETHER + TOGETHER - 1, FIRST_TOGETHER)],
      onReport: (report) => {
        summary.add(report)
        return false
      },
    })
    console.log(summary.lines().join("\n"))
    expect(summary.failed.flatMap((report) => failureLines(report)).join("\n")).toBe("")
    expect(summary.seeds).toBe(SEEDS + TOGETHER)
    expect(summary.mostPosts).toBe(1)
    // Faults that never happen prove nothing.
    for (const count of Object.values(summary.counts)) expect(count).toBeGreaterThan(SEEDS)
  })

  it("a simulation with the same seed gives the same events, with or without shortcuts for speed", async () => {
    const seeds = [3, 7, 11, 42]
    const [once, again, asIs] = [
      await reportsOf(seeds),
      await reportsOf(seeds),
      await reportsOf(seeds, { asIs: true }),
    ]
    const hashes = (reports: Map<number, Report>) => seeds.map((seed) => reports.get(seed)?.hash)
    expect(hashes(again)).toEqual(hashes(once))
    expect(hashes(asIs)).toEqual(hashes(once))
    expect(new Set(hashes(once)).size).toBe(seeds.length)
  })

  it(`a simulated fleet of ${MEMBERS} supernodes under fleet caps violates none of the checked safety properties`, async () => {
    const [report] = (await reportsOf([CROWDED], { members: MEMBERS })).values()
    expect(report?.violations).toEqual([])
    expect(report?.mostPosts).toBe(1)
    expect(report?.counts.purchases).toBeGreaterThan(3)
    expect(report?.counts.crashes).toBeGreaterThan(10)
  })
})

const HUNTED = IS_FULL ? BREAKS : BREAKS.filter(({ isLong }) => !isLong)
if (HUNTED.length < BREAKS.length)
  console.log(`${BREAKS.length - HUNTED.length} breaks on purpose are left to \`npm run test:full\``)

describe("a deliberate break", () => {
  // A hunt takes seconds, and much longer on a busy machine: the hunts share the cores with all other tests.
  it.concurrent.each(HUNTED)(
    "the simulation detects a deliberate fault: $says ($name)",
    { timeout: 300_000 },
    async (broken) => {
      const found = await hunt(broken)
      expect(found, `no seed from ${broken.from ?? 1} to ${broken.upTo} shows it`).not.toBeNull()
      expect(broken.rules).toContain(ruleOf(found?.violation ?? ""))
    },
  )
})
