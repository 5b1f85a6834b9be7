import * as z from "zod"
import type { TickSignal } from "../decision/inputs/signal.ts"
import type { SignalContext } from "./shape.ts"
import { signalId } from "./signal-id.ts"

/** The name of what fired: a rule, schedule or trigger. */
export const tickName = z.string().min(1).max(256)

/** A tick is told apart by what fired and when it was meant to fire, so that a late or second delivery is the same tick. */
export function tickSignal(name: string | undefined, at: number, context: SignalContext): TickSignal {
  const said = name ?? context.tickName ?? "tick"
  return { kind: "tick", id: signalId("tick", said, at), name: said, at }
}
