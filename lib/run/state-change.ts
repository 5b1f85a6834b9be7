import type { SupernodeState } from "../decision/state/state.ts"
import { fold } from "../decision/transitions/fold.ts"
import type { ChainEvent } from "../decision/transitions/ledger-event.ts"

/** True if an entry would change more of the state than `lastDecision`. Expiry alone is not a change. */
export function changesState(standing: SupernodeState, event: DecidedEvent): boolean {
  const { seq, kind, at, confirmedAt, run } = event
  const without = fold(standing, { seq, kind, at, confirmedAt, run })
  const withIt = fold(standing, event)
  return !isSameJson({ ...withIt, lastDecision: null }, { ...without, lastDecision: null })
}

/** A decision as far as the state is folded from it. */
export type DecidedEvent = ChainEvent & { kind: "decided"; confirmedAt: number | null }

/** True if both have the same canonical text, without making it: a fold hands on unchanged parts. */
function isSameJson(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false
  if (Array.isArray(one) || Array.isArray(other))
    return (
      Array.isArray(one) &&
      Array.isArray(other) &&
      one.length === other.length &&
      one.every((item, i) => isSameJson(item, other[i]))
    )
  const [left, right] = [one as Record<string, unknown>, other as Record<string, unknown>]
  // A member that is undefined has no text.
  const isSame = (key: string) => isSameJson(left[key], right[key])
  return (
    Object.keys(left).every(isSame) &&
    Object.keys(right).every((key) => Object.hasOwn(left, key) || right[key] === undefined)
  )
}
