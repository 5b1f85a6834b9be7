import type { SupernodeState } from "../decision/state/state.ts"
import { fold } from "../decision/transitions/fold.ts"
import type { ChainEvent } from "../decision/transitions/ledger-event.ts"
import { isSameJson } from "../digest.ts"

/** True if an entry would change more of the state than `lastDecision`. Expiry alone is not a change. */
export function changesState(standing: SupernodeState, event: DecidedEvent): boolean {
  const { seq, kind, at, confirmedAt, run } = event
  const without = fold(standing, { seq, kind, at, confirmedAt, run })
  const withIt = fold(standing, event)
  return !isSameJson({ ...withIt, lastDecision: null }, { ...without, lastDecision: null })
}

/** A decision as far as the state is folded from it. */
export type DecidedEvent = ChainEvent & { kind: "decided"; confirmedAt: number | null }
