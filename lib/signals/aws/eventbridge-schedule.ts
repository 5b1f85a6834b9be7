import * as z from "zod"
import { onFirstUse } from "../../on-first-use.ts"
import { isoInstant } from "../instant.ts"
import { one, parseShape, type Shape } from "../shape.ts"
import { tickSignal } from "../tick.ts"

/** Maximum length of the ARN of a rule or schedule. If one is longer, the tick has no name. */
const MAX_ARN_CHARS = 512

const eventShape = onFirstUse(() =>
  z.object({
    time: isoInstant(),
    resources: z.array(z.string().max(MAX_ARN_CHARS)).nullish().catch(null),
  }),
)

const SOURCES: readonly unknown[] = ["aws.events", "aws.scheduler"]

/** Amazon EventBridge "Scheduled Event", from a scheduled rule or a Scheduler schedule with default input. */
export const eventBridgeSchedule: Shape = {
  name: "EventBridge Scheduled Event",
  door: "schedule",
  looksLike: (event) => SOURCES.includes(event["source"]) && event["detail-type"] === "Scheduled Event",
  read(event, context) {
    const { time, resources } = parseShape(eventShape(), event, "")
    return one(tickSignal({ name: nameIn(resources?.[0] ?? ""), at: time }, context))
  },
}

/** `…:rule/NAME` -> NAME, `…:schedule/GROUP/NAME` -> GROUP/NAME. The group `default` is omitted. */
function nameIn(arn: string): string | undefined {
  const [, name] = /:(?:rule|schedule)\/(.+)$/s.exec(arn) ?? []
  return arn.includes(":schedule/default/") ? name?.replace(/^default\//, "") : name
}
