import type { Occurrence } from "../schedule/occurrence.ts"
import type { OpenAttempt } from "./attempt.ts"
import { getOwn } from "./get-own.ts"
import type { HandledStart, SupernodeState } from "./state.ts"

// Starts of schedules that have led to a purchase: each may do so once. A floor that is raised while it is
// active counts as a new start, so the key contains the start and the servers of its floor.

/** The purchase for this start with at least this number of servers. */
export function handledStartOf(state: SupernodeState, occurrence: Occurrence): HandledStart | undefined {
  const handled = state.acted ?? {}
  const { atLeast } = occurrence
  // Earlier releases recorded no number: such a purchase satisfies every floor.
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

/** Records the starts of an attempt from the moment it is opened. */
export function rememberHandledStarts(state: SupernodeState, attempt: OpenAttempt): SupernodeState {
  const { id, openedAt, schedules = [] } = attempt
  if (schedules.length === 0) return state
  const handled = schedules.map((one) => [keyOf(one), { at: openedAt, attempt: id }] as const)
  return { ...state, acted: { ...state.acted, ...Object.fromEntries(handled) } }
}

/** Forgets the starts of an attempt that bought nothing: they may lead to a purchase again. */
export function forgetHandledStarts(state: SupernodeState, { id }: Pick<OpenAttempt, "id">): SupernodeState {
  if (!state.acted) return state
  const kept = Object.entries(state.acted).filter(([, { attempt }]) => attempt !== id)
  return { ...state, acted: Object.fromEntries(kept) }
}

/** A name and a local time contain no space. */
function startOf({ schedule, occurrence }: Occurrence): string {
  return `${schedule} ${occurrence}`
}

function keyOf(occurrence: Occurrence): string {
  const { atLeast } = occurrence
  return atLeast === undefined ? startOf(occurrence) : `${startOf(occurrence)} ${atLeast}`
}

/** Number of servers that `key` names; null if the key is of another start or names no number. */
function sizeIn(key: string, occurrence: Occurrence): number | null {
  const start = `${startOf(occurrence)} `
  return key.startsWith(start) ? Number(key.slice(start.length)) : null
}

/**
 * Name of a schedule in `rulesOff`, after the cloud called its order invalid; no rule's name has a colon in
 * it.
 */
export function offName(schedule: string): string {
  return `schedule:${schedule}`
}
