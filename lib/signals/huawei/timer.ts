import * as z from "zod"
import { isoInstant } from "../instant.ts"
import { one, parseShape, type Shape } from "../shape.ts"
import { tickName, tickSignal } from "../tick.ts"

const eventShape = z.object({ trigger_name: tickName, time: isoInstant })

/** FunctionGraph's TIMER trigger. */
export const timer: Shape = {
  name: "FunctionGraph TIMER",
  door: "schedule",
  looksLike: (event) => event["trigger_type"] === "TIMER",
  read(event, context) {
    const { trigger_name: name, time } = parseShape(eventShape, event, "")
    return one(tickSignal(name, time, context))
  },
}
