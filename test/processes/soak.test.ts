import { describe, expect, it } from "vitest"
import { bundle } from "./bundle.ts"
import { runSoak, type Soak, type SoakOptions } from "./soak.ts"

// `npm run soak` makes 500 kills. `npm run soak -- --break NAME` shows that it detects a deliberate break.
// Runs of real processes cannot be repeated exactly, so no build depends on that.

const SEED = 1

async function soak(options: Pick<SoakOptions, "kills">): Promise<Soak> {
  const worker = await bundle("worker")
  return runSoak({ bundle: worker, store: "sqlite", seed: SEED, workers: 3, supernodes: 4, ...options })
}

describe("workers killed with SIGKILL every few hundred milliseconds while the cloud fails in many ways", () => {
  it("workers under SIGKILL never send an order twice or while an outcome is unknown, and buy again once it is settled", async () => {
    const { violations, kills, posts, orders } = await soak({ kills: 15 })
    expect(violations).toEqual([])
    expect(kills).toBeGreaterThanOrEqual(15)
    expect(posts).toBeGreaterThanOrEqual(orders)
    expect(orders).toBeGreaterThan(0)
  })
})
