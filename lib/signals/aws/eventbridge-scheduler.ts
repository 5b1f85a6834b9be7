import * as z from "zod"
import { onFirstUse } from "../../on-first-use.ts"
import { isoInstant } from "../instant.ts"
import { one, parseShape, type Shape } from "../shape.ts"
import { shardText } from "../shard.ts"
import { tickName, tickSignal } from "../tick.ts"

const eventShape = onFirstUse(() =>
  z.object({ name: tickName(), time: isoInstant(), shard: shardText().optional() }),
)

/**
 * Input of an EventBridge Scheduler schedule or of a rule's target: `{ kind: "tick", name, time:
 * "<aws.scheduler.scheduled-time>", shard: "i/n" }`. Name and shard are optional.
 */
export const eventBridgeScheduler: Shape = {
  name: 'EventBridge Scheduler input {"kind":"tick","name","time"}',
  door: "schedule",
  looksLike: (event) => event["kind"] === "tick",
  read(event, context) {
    const { name, time, shard } = parseShape(eventShape(), event, "")
    return one(tickSignal({ name, at: time, shard }, context))
  },
}
