import { readFileSync } from "node:fs"
import type { DoorHandler, DoorResponse } from "../../functions/door.ts"
import { contextOf } from "../functions/context.ts"
import { countEnd, type Delivery, type Ends } from "./deliveries.ts"

export interface DeliverOptions {
  doors: Readonly<Record<Delivery["door"], DoorHandler>>
  /** Number of deliveries handled at the same time. */
  lanes: number
}

/** Handles the deliveries of that file on the parent's message, and sends how they ended. */
export function deliverFrom(file: string, options: DeliverOptions): void {
  const deliveries: Delivery[] = JSON.parse(readFileSync(file, "utf8"))
  process.once("message", () => {
    void deliverAll(deliveries, options).then((ends) => process.send?.(ends, () => process.exit()))
  })
}

async function deliverAll(deliveries: readonly Delivery[], { doors, lanes }: DeliverOptions): Promise<Ends> {
  const ends: Ends = {}
  const queue = deliveries.values()
  const lane = async (): Promise<void> => {
    for (const { door, kind, event } of queue) {
      const end = await doors[door](event, contextOf()).then(
        sayEnd,
        (error: unknown) => `threw: ${String(error)}`,
      )
      countEnd(ends, { kind, end })
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return ends
}

function sayEnd(answer: DoorResponse): string {
  const results = "results" in answer ? answer.results : []
  const [result] = results
  if (!result || results.length > 1) return `${results.length} results`
  if (result.decision.kind === "hold") return result.decision.heldBy ?? "held by nothing"
  return `bought: ${result.outcome?.kind ?? "nothing"}`
}
