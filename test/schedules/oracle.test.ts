import { describe, expect, it } from "vitest"
import { CLOSE, compareAt, everyTransition } from "./oracle.ts"

// `npm run oracle:schedules` does the same for every zone by itself, with wider windows.

describe("Every start of a schedule happens exactly once, whatever the clocks do", () => {
  const { zones, all, distinct } = everyTransition()

  it("there is something to be tried: every zone of this runtime, every change from 2024 to 2037", () => {
    expect(zones).toBeGreaterThan(400)
    expect(all.length).toBeGreaterThan(3_000)
    expect(distinct.length).toBeGreaterThan(500)
    const jumps = new Set(distinct.map(({ before, after }) => (after - before) / 60_000))
    expect([...jumps]).toEqual(expect.arrayContaining([60, -60, 120, -120, 30, -30]))
  })

  it("none is lost, none doubled, none at another instant than walking minute by minute finds", () => {
    const compared = distinct.map((transition) => compareAt(transition, CLOSE))
    expect(compared.flatMap(({ differences }) => differences)).toEqual([])
    const starts = compared.reduce((sum, one) => sum + one.starts, 0)
    expect(starts).toBeGreaterThan(distinct.length * 100)
  })
})
