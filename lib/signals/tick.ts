import * as z from "zod"
import { cleanText } from "../decision/inputs/foreign-text.ts"
import type { Shard, TickSignal } from "../decision/inputs/signal.ts"
import { onFirstUse } from "../on-first-use.ts"
import type { SignalContext } from "./shape.ts"
import { signalId } from "./signal-id.ts"

const MAX_NAME_CHARS = 256

/** Name of the trigger: a rule, schedule or timer. A malformed name counts as absent. */
export const tickName = onFirstUse(() =>
  z
    .string()
    .transform((name) => cleanText(name, MAX_NAME_CHARS) || undefined)
    .optional()
    .catch(undefined),
)

interface Fired {
  /** Name of the trigger, if it has one. */
  name: string | undefined
  /** Scheduled time, epoch milliseconds. */
  at: number
  shard?: Shard | undefined
}

/**
 * A tick is identified by its trigger and its scheduled time, so a late or second delivery is the same tick.
 * The shard is not part of the id, although each supernode is in only one shard. If the number of shards
 * changes, a second tick for the same time still counts as a duplicate and buys nothing.
 */
export function tickSignal({ name, at, shard }: Fired, context: SignalContext): TickSignal {
  const own = name === undefined ? "" : cleanText(name, MAX_NAME_CHARS)
  const text = own || (context.tickName ?? "tick")
  return { kind: "tick", id: signalId("tick", text, at), name: text, at, ...(shard ? { shard } : {}) }
}
