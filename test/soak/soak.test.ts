import { describe, expect, it } from "vitest"
import { BREAKS } from "../storm/breaks.ts"
import { type Break, bundle } from "../storm/bundle.ts"
import { runSoak, type Soak, type SoakOptions } from "./soak.ts"

// 500 kills: `npm run soak`.

const SEED = 1

async function soak(options: Pick<SoakOptions, "kills" | "untilViolated">, broken?: Break): Promise<Soak> {
  const made = await bundle(new URL("./worker.ts", import.meta.url), broken)
  try {
    return await runSoak({ bundle: made, seed: SEED, workers: 3, supernodes: 4, ...options })
  } finally {
    made.remove()
  }
}

describe("workers that are killed -9 every few hundred milliseconds while the cloud fails in many ways", () => {
  it("never send twice, nothing while an outcome is unknown, and buy again when all is well", async () => {
    const { violations, kills, posts, orders } = await soak({ kills: 15 })
    expect(violations).toEqual([])
    expect(kills).toBeGreaterThanOrEqual(15)
    expect(posts).toBeGreaterThanOrEqual(orders)
    expect(orders).toBeGreaterThan(0)
  })

  it("are found out where they take an attempt that was never settled for none", async () => {
    const { violations } = await soak({ kills: 60, untilViolated: true }, BREAKS["forgets-what-is-open"])
    expect(violations.join("\n")).toMatch(/opened .* while .* is open/)
  })
})
