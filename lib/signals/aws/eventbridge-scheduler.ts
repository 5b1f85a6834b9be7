import * as z from "zod"
import { isoInstant } from "../instant.ts"
import { one, parseShape, type Shape } from "../shape.ts"
import { tickName, tickSignal } from "../tick.ts"

const eventShape = z.object({ name: tickName, time: isoInstant })

/** The input that is written into an EventBridge Scheduler schedule: `{ kind: "tick", name, time: "<aws.scheduler.scheduled-time>" }`. */
export const eventBridgeScheduler: Shape = {
  name: 'EventBridge Scheduler input {"kind":"tick","name","time"}',
  door: "schedule",
  looksLike: (event) => event["kind"] === "tick",
  read(event, context) {
    const { name, time } = parseShape(eventShape, event, "")
    return one(tickSignal(name, time, context))
  },
}
