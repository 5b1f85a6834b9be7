import { type Control, foldControl, NO_CONTROL } from "../decision/state/control.ts"
import { type FleetState, foldFleet, NO_FLEET } from "../decision/state/fleet-reservations.ts"
import { EMPTY_STATE, type SupernodeState } from "../decision/state/state.ts"
import { fold } from "../decision/transitions/fold.ts"
import { canonicalText, isSameJson } from "../digest.ts"
import type { LedgerEntry } from "./entry.ts"
import { CONTROL_STREAM, FLEET_STREAM } from "./next-entry.ts"
import { stateShapeProblem } from "./state-shape.ts"

/** State before the first entry of a stream. */
export function stateBeforeFirst(stream: string): LedgerEntry["standing"] {
  if (stream === CONTROL_STREAM) return NO_CONTROL
  return stream === FLEET_STREAM ? NO_FLEET : EMPTY_STATE
}

/**
 * Reason why an entry's state does not follow from its event and the state before; null if it does. Entries
 * of `v: 1` were folded by other rules, so only the form of their state is checked. Never throws.
 */
export function stateProblem(before: LedgerEntry["standing"], entry: LedgerEntry): string | null {
  const malformed = stateShapeProblem(entry.stream, entry.standing)
  if (malformed !== null) return `has a malformed state: ${malformed}`
  if (entry.v === 1) return null
  try {
    const folded = stateAfter(before, entry)
    if (typeof folded === "string") return folded
    if (isSameJson(folded, entry.standing)) return null
    const parts = differentParts(folded, entry.standing)
    return parts.length === 0
      ? null
      : `has a state that does not follow from its entries: ${parts.join(", ")}`
  } catch (error) {
    return `cannot be folded again: ${String(error).slice(0, 200)}`
  }
}

function stateAfter(before: LedgerEntry["standing"], entry: LedgerEntry): LedgerEntry["standing"] | string {
  const { stream, kind, said, at, fleet, confirmedAt = null } = entry
  if (stream === CONTROL_STREAM) {
    if (kind !== "said" || !said) return `is not a command, and stream ${CONTROL_STREAM} holds commands only`
    return foldControl(before as Control, said, at)
  }
  if (stream === FLEET_STREAM) {
    if ((kind !== "opened" && kind !== "settled") || !fleet)
      return `is not a reservation, and stream ${FLEET_STREAM} holds reservations only`
    return foldFleet(before as FleetState, { kind, at, confirmedAt, change: fleet })
  }
  return fold(before as SupernodeState, entry)
}

/** Names of the parts that differ. Compares canonical forms, because only those can be compared reliably. */
function differentParts(one: object, other: object): string[] {
  const [a, b] = [one as Record<string, unknown>, other as Record<string, unknown>]
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()
  return names.filter((name) => partText(a[name]) !== partText(b[name]))
}

function partText(part: unknown): string | undefined {
  return part === undefined ? undefined : canonicalText(part)
}
