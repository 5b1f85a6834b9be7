import type { Standing } from "../decision/state/state.ts"
import { fold } from "../decision/transitions/fold.ts"
import type { ChainEvent } from "../decision/transitions/ledger-event.ts"
import { canonicalText } from "../digest.ts"

/** Whether an entry would change more of the state than `lastDecision`; what merely expires is no change. */
export function changesState(standing: Standing, event: Omit<ChainEvent, "seq">): boolean {
  const {
    kind: _kind,
    signal: _signal,
    policyHash: _hash,
    policy: _policy,
    decision: _decision,
    plan: _plan,
    situation: _read,
    ...bare
  } = event
  const place = { seq: 0, kind: "decided" as const }
  const without = fold(standing, { ...bare, ...place })
  const withIt = fold(standing, { ...event, ...place })
  return (
    canonicalText({ ...withIt, lastDecision: null }) !== canonicalText({ ...without, lastDecision: null })
  )
}
