import type { SupernodeState } from "../decision/state/state.ts"
import { fold } from "../decision/transitions/fold.ts"
import type { ChainEvent } from "../decision/transitions/ledger-event.ts"
import { isSameJson } from "../digest.ts"

/** True if the entry of a decision would change more of the state than `lastDecision`. Expired parts do not count as a change. */
export function changesState(state: SupernodeState, event: DecidedEvent): boolean {
  const { seq, kind, at, confirmedAt, run } = event
  const expired = fold(state, { seq, kind, at, confirmedAt, run })
  const changed = fold(state, event)
  return !isSameJson({ ...changed, lastDecision: null }, { ...expired, lastDecision: null })
}

/** The fields of a decision's entry from which the state is folded. */
export type DecidedEvent = ChainEvent & { kind: "decided"; confirmedAt: number | null }
