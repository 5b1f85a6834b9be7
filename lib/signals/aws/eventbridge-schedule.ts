import * as z from "zod"
import { isoInstant } from "../instant.ts"
import { one, parseShape, type Shape } from "../shape.ts"
import { tickSignal } from "../tick.ts"

const eventShape = z.object({ time: isoInstant, resources: z.array(z.string().max(512)).nullish() })

/** Amazon EventBridge, "Scheduled Event": a rule with a schedule. */
export const eventBridgeSchedule: Shape = {
  name: "EventBridge Scheduled Event",
  door: "schedule",
  looksLike: (event) => event["source"] === "aws.events" && event["detail-type"] === "Scheduled Event",
  read(event, context) {
    const { time, resources } = parseShape(eventShape, event, "")
    const [, rule] = /:rule\/(.+)$/s.exec(resources?.[0] ?? "") ?? []
    return one(tickSignal(rule, time, context))
  },
}
