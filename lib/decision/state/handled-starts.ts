import type { Occurrence } from "../schedule/occurrence.ts"
import type { OpenAttempt } from "./attempt.ts"
import { getOwn } from "./get-own.ts"
import type { HandledStart, SupernodeState } from "./state.ts"

// Occurrences of schedules that have led to a purchase: each may do so once. A floor that is raised while it is active
// counts as a new start, so what is remembered is an occurrence with the servers that its floor wanted.

/** The purchase for this occurrence that wanted as many servers, or more. */
export function handledStartOf(state: SupernodeState, occurrence: Occurrence): HandledStart | undefined {
  const handled = state.acted ?? {}
  const { atLeast } = occurrence
  // Releases before recorded no number: such a purchase answers every floor.
  const whole = getOwn(handled, startOf(occurrence))
  if (whole || atLeast === undefined) return whole
  const sizes = Object.keys(handled).flatMap((key) => {
    const size = sizeIn(key, occurrence)
    return size !== null && size >= atLeast ? [size] : []
  })
  return sizes.length === 0
    ? undefined
    : getOwn(handled, keyOf({ ...occurrence, atLeast: Math.max(...sizes) }))
}

/** An attempt acts for its occurrences from the moment it is opened. */
export function rememberHandledStarts(state: SupernodeState, attempt: OpenAttempt): SupernodeState {
  const { id, openedAt, schedules = [] } = attempt
  if (schedules.length === 0) return state
  const handled = schedules.map((one) => [keyOf(one), { at: openedAt, attempt: id }] as const)
  return { ...state, acted: { ...state.acted, ...Object.fromEntries(handled) } }
}

/** Nothing was bought: they may act again. */
export function forgetHandledStarts(state: SupernodeState, { id }: Pick<OpenAttempt, "id">): SupernodeState {
  if (!state.acted) return state
  const kept = Object.entries(state.acted).filter(([, { attempt }]) => attempt !== id)
  return { ...state, acted: Object.fromEntries(kept) }
}

/** Neither a name nor a local time has a space in it. */
function startOf({ schedule, occurrence }: Occurrence): string {
  return `${schedule} ${occurrence}`
}

function keyOf(occurrence: Occurrence): string {
  const { atLeast } = occurrence
  return atLeast === undefined ? startOf(occurrence) : `${startOf(occurrence)} ${atLeast}`
}

/** The servers in a key of this occurrence; null for another's. */
function sizeIn(key: string, occurrence: Occurrence): number | null {
  const start = `${startOf(occurrence)} `
  return key.startsWith(start) ? Number(key.slice(start.length)) : null
}

/** By which name `rulesOff` knows a schedule whose order was called invalid; no rule's name has a colon in it. */
export function offName(schedule: string): string {
  return `schedule:${schedule}`
}
