import * as z from "zod"
import type { Shard } from "../../decision/inputs/signal.ts"
import { onFirstUse } from "../../on-first-use.ts"
import { isoInstant } from "../instant.ts"
import { readJson } from "../json-text.ts"
import { one, parseShape, type Shape } from "../shape.ts"
import { shardText } from "../shard.ts"
import { tickName, tickSignal } from "../tick.ts"

const eventShape = onFirstUse(() =>
  z.object({ trigger_name: tickName(), time: isoInstant(), user_event: z.string().nullish() }),
)
const userEventShape = onFirstUse(() => z.strictObject({ shard: shardText().optional() }))

/** FunctionGraph's TIMER trigger. */
export const timer: Shape = {
  name: "FunctionGraph TIMER",
  door: "schedule",
  looksLike: (event) => event["trigger_type"] === "TIMER",
  read(event, context) {
    const { trigger_name: name, time, user_event: text } = parseShape(eventShape(), event, "")
    return one(tickSignal({ name, at: time, shard: shardIn(text) }, context))
  },
}

const HINT = 'leave the trigger\'s user event empty, or write {"shard":"i/n"} into it'

/**
 * Shard in the text that an operator wrote into the trigger. Unknown keys are refused: if the shard were
 * misspelt and ignored, each of n functions would tick for all supernodes.
 */
function shardIn(text: string | null | undefined): Shard | undefined {
  if (text === undefined || text === null || text.trim() === "") return undefined
  return parseShape(userEventShape(), readJson(text, "user_event", HINT), "user_event").shard
}
