import * as z from "zod"
import { cleanText } from "../decision/inputs/foreign-text.ts"
import type { TickSignal } from "../decision/inputs/signal.ts"
import type { SignalContext } from "./shape.ts"
import { signalId } from "./signal-id.ts"

const MAX_NAME_CHARS = 256

/** The name of what fired: a rule, schedule or trigger. An odd one is as good as none. */
export const tickName = z
  .string()
  .transform((name) => cleanText(name, MAX_NAME_CHARS) || undefined)
  .optional()
  .catch(undefined)

/** A tick is told apart by what fired and when it was meant to fire, so that a late or second delivery is the same tick. */
export function tickSignal(name: string | undefined, at: number, context: SignalContext): TickSignal {
  const own = name === undefined ? "" : cleanText(name, MAX_NAME_CHARS)
  const said = own || (context.tickName ?? "tick")
  return { kind: "tick", id: signalId("tick", said, at), name: said, at }
}
