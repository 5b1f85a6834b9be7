import { describe, expect, it } from "vitest"
import { World } from "../run/world.ts"
import type { Row } from "./row.ts"
import { ROWS } from "./rows.ts"

// Faults that hurt comparable autoscalers, and what ours does. The rows name the peer and its fault.

const titled = (rows: readonly Row[]) =>
  rows.map((row) => [`${row.ours} [${row.peer}: ${row.hurts}]`, row] as const)

describe.each(Object.entries(ROWS))("%s", (_situation, rows) => {
  it.each(titled(rows))("%s", async (_title, { play, ends, orders }) => {
    const world = await World.open()
    expect(await play(world)).toEqual(ends)
    expect(world.orders).toHaveLength(orders)
  })
})
