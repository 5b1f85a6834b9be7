import { readFileSync } from "node:fs"
import { handler as alarm } from "../../functions/alarm.ts"
import type { Answer, DoorHandler } from "../../functions/door.ts"
import { handler as schedule } from "../../functions/schedule.ts"
import { contextOf } from "../functions/context.ts"
import { countEnd, type Delivery, type Ends } from "./deliveries.ts"

// One process of a storm: takes its deliveries, so many at once, through the functions' own handlers, as its environment
// sets them up, and tells how they ended.

const DOORS: Record<Delivery["door"], DoorHandler> = { alarm, schedule }
const [file = "", lanes = "1"] = process.argv.slice(2)
const deliveries: Delivery[] = JSON.parse(readFileSync(file, "utf8"))
const ends: Ends = {}

process.once("disconnect", () => process.exit())
process.once("message", () => {
  void deliverAll().then(() => process.send?.(ends, () => process.exit()))
})
process.send?.("ready")

async function deliverAll(): Promise<void> {
  const queue = deliveries.values()
  await Promise.all(Array.from({ length: Number(lanes) }, () => lane(queue)))
}

async function lane(queue: Iterable<Delivery>): Promise<void> {
  for (const { door, kind, event } of queue) {
    const end = await DOORS[door](event, contextOf()).then(
      sayEnd,
      (error: unknown) => `threw: ${String(error)}`,
    )
    countEnd(ends, { kind, end })
  }
}

function sayEnd(answer: Answer): string {
  const results = "results" in answer ? answer.results : []
  const [result] = results
  if (!result || results.length > 1) return `${results.length} results`
  if (result.decision.kind === "hold") return result.decision.heldBy ?? "held by nothing"
  return `bought: ${result.outcome?.kind ?? "nothing"}`
}
