import { describe, expect, it } from "vitest"
import { CLOSE, compareAt, everyTransition } from "./oracle.ts"

// `npm run oracle:schedules` compares every zone separately, with wider windows.

describe("starts of schedules at changes of clocks", () => {
  const { zones, all, distinct } = everyTransition()

  it("the tests of schedules cover more than 400 time zones and more than 3,000 clock changes up to 2037", () => {
    expect(zones).toBeGreaterThan(400)
    expect(all.length).toBeGreaterThan(3_000)
    expect(distinct.length).toBeGreaterThan(500)
    const jumps = new Set(distinct.map(({ before, after }) => (after - before) / 60_000))
    expect([...jumps]).toEqual(expect.arrayContaining([60, -60, 120, -120, 30, -30]))
  })

  it("no start of a schedule is lost, doubled or moved at a clock change, by a minute-by-minute comparison", () => {
    const compared = distinct.map((transition) => compareAt(transition, CLOSE))
    expect(compared.flatMap(({ differences }) => differences)).toEqual([])
    const starts = compared.reduce((sum, one) => sum + one.starts, 0)
    expect(starts).toBeGreaterThan(distinct.length * 100)
  })
})
