import { describe, expect, it } from "vitest"
import { bundle } from "./bundle.ts"
import { runSoak, type Soak, type SoakOptions } from "./soak.ts"

// 500 kills: `npm run soak`. Whether it finds what is broken on purpose: `npm run soak -- --break NAME`; real processes do
// not replay, so that is no test to hang a build on.

const SEED = 1

async function soak(options: Pick<SoakOptions, "kills">): Promise<Soak> {
  const worker = await bundle("worker")
  return runSoak({ bundle: worker, store: "sqlite", seed: SEED, workers: 3, supernodes: 4, ...options })
}

describe("workers that are killed -9 every few hundred milliseconds while the cloud fails in many ways", () => {
  it("never send twice, nothing while an outcome is unknown, and buy again when all is well", async () => {
    const { violations, kills, posts, orders } = await soak({ kills: 15 })
    expect(violations).toEqual([])
    expect(kills).toBeGreaterThanOrEqual(15)
    expect(posts).toBeGreaterThanOrEqual(orders)
    expect(orders).toBeGreaterThan(0)
  })
})
