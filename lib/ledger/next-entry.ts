import { type Control, NO_CONTROL } from "../decision/state/control.ts"
import {
  type FleetChange,
  type FleetState,
  foldFleet,
  NO_FLEET,
} from "../decision/state/fleet-reservations.ts"
import { getOwn } from "../decision/state/get-own.ts"
import type { Outcome } from "../decision/state/outcome.ts"
import { EMPTY_STATE, type SupernodeState } from "../decision/state/state.ts"
import { fold } from "../decision/transitions/fold.ts"
import { sortedKeys } from "../digest.ts"
import { keptForms } from "./answer.ts"
import { keysAreSorted } from "./canonical-form.ts"
import { type EntryDraft, type LedgerEntry, MAX_ENTRY_BYTES, sealEntry } from "./entry.ts"

/** The new fields of an entry. Its position in the chain and the state after it are derived from the head. */
export type EntryFields = Omit<EntryDraft, "stream" | "seq" | "prev" | "standing">

export const CONTROL_STREAM = "control"
export const FLEET_STREAM = "fleet"

export function supernodeStream(id: string): string {
  return `supernode:${id}`
}

export function stateOf(head: LedgerEntry | undefined): SupernodeState {
  return head ? (head.standing as SupernodeState) : EMPTY_STATE
}

export function controlOf(head: LedgerEntry | undefined): Control {
  return head ? (head.standing as Control) : NO_CONTROL
}

export function fleetOf(head: LedgerEntry | undefined): FleetState {
  return head ? (head.standing as FleetState) : NO_FLEET
}

/** Next entry of stream `fleet`. Throws RangeError if it is too large. */
export function nextFleetEntry(
  head: LedgerEntry | undefined,
  fields: EntryFields & { kind: "opened" | "settled"; fleet: FleetChange },
): LedgerEntry {
  const standing = foldFleet(fleetOf(head), { ...fields, change: fields.fleet })
  const place = { stream: FLEET_STREAM, seq: (head?.seq ?? 0) + 1, prev: head?.hash ?? "" }
  return sealEntry({ ...fields, ...place, standing })
}

/**
 * Next entry of a supernode's chain: folds `fields` into the head's state and seals it. Contains the policy
 * only if the chain does not hold it yet. Throws RangeError if it is too large.
 */
export function nextEntry(
  stream: string,
  head: LedgerEntry | undefined,
  fields: EntryFields,
  maxBytes = MAX_ENTRY_BYTES,
): LedgerEntry {
  const seq = (head?.seq ?? 0) + 1
  // A head that this process wrote and one that it read differ in key order. Both must give the same state.
  const before = inCanonicalOrder(stateOf(head))
  const { policy: _known, ...byReference } = fields
  const entryFields = hasPolicy(before, fields) ? byReference : fields
  const standing = fold(before, { ...entryFields, seq })
  return sealEntry({ ...entryFields, stream, seq, prev: head?.hash ?? "", standing }, maxBytes)
}

/** Same value with all keys sorted as in its canonical text. Does not copy parts that are already sorted. */
function inCanonicalOrder<T>(value: T): T {
  if (keysAreSorted(value)) return value
  if (Array.isArray(value)) return value.map(inCanonicalOrder) as T
  const members = value as Record<string, unknown>
  return Object.fromEntries(sortedKeys(members).map((key) => [key, inCanonicalOrder(members[key])])) as T
}

function hasPolicy(state: SupernodeState, { policy, policyHash }: EntryFields): boolean {
  if (policy === undefined || policyHash === undefined) return true
  return getOwn(state.policies ?? {}, policyHash) !== undefined
}

/** Next entry with an outcome. It must always fit, so a large raw answer is compressed, cut, or left out. */
export function nextSettlement(
  stream: string,
  head: LedgerEntry | undefined,
  fields: EntryFields & { outcome: Outcome },
): LedgerEntry {
  const { outcome } = fields
  if (outcome.kind === "not-sent" || !outcome.raw) return nextEntry(stream, head, fields)
  for (const raw of keptForms(outcome.raw)) {
    const entry = sealIfFits(() => nextEntry(stream, head, { ...fields, outcome: { ...outcome, raw } }))
    if (entry) return entry
  }
  return nextEntry(stream, head, { ...fields, outcome: { ...outcome, raw: null } })
}

/** Limit for `nextNote`. Notes of other runs must not use up the room that a run needs while it buys. */
const MAX_NOTE_BYTES = MAX_ENTRY_BYTES - 32 * 1024

/**
 * Next entry for a decision that buys nothing. A hold is worth recording even without its inputs. So if it is
 * too large, it loses the readings first, then the whole situation. Null if it still does not fit.
 */
export function nextNote(
  stream: string,
  head: LedgerEntry | undefined,
  fields: EntryFields,
): LedgerEntry | null {
  const { situation, ...bare } = fields
  const why = "too large for one ledger entry"
  const readings = { state: "unreadable" as const, why, credentials: false }
  const smaller = situation ? [{ ...fields, situation: { ...situation, readings } }, bare] : []
  for (const candidate of [fields, ...smaller]) {
    const entry = sealIfFits(() => nextEntry(stream, head, candidate, MAX_NOTE_BYTES))
    if (entry) return entry
  }
  return null
}

/** The sealed entry, or null if it is too large for the ledger. */
export function sealIfFits(seal: () => LedgerEntry): LedgerEntry | null {
  try {
    return seal()
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}
