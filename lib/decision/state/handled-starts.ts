import type { Occurrence } from "../schedule/occurrence.ts"
import type { StandingAttempt } from "./attempt.ts"
import { own } from "./own.ts"
import type { Acted, Standing } from "./state.ts"

// Occurrences of schedules that have led to a purchase: each may do so once.

export function actedFor(standing: Standing, occurrence: Occurrence): Acted | undefined {
  return own(standing.acted ?? {}, keyOf(occurrence))
}

/** An attempt acts for its occurrences from the moment it is opened. */
export function rememberActed(standing: Standing, attempt: StandingAttempt): Standing {
  const { id, openedAt, schedules = [] } = attempt
  if (schedules.length === 0) return standing
  const acted = schedules.map((one) => [keyOf(one), { at: openedAt, attempt: id }] as const)
  return { ...standing, acted: { ...standing.acted, ...Object.fromEntries(acted) } }
}

/** Nothing was bought: they may act again. */
export function forgetActed(standing: Standing, { id }: Pick<StandingAttempt, "id">): Standing {
  if (!standing.acted) return standing
  const kept = Object.entries(standing.acted).filter(([, { attempt }]) => attempt !== id)
  return { ...standing, acted: Object.fromEntries(kept) }
}

/** Neither a name nor a local time has a space in it. */
function keyOf({ schedule, occurrence }: Occurrence): string {
  return `${schedule} ${occurrence}`
}

/** By which name `rulesOff` knows a schedule whose order was called invalid; no rule's name has a colon in it. */
export function offName(schedule: string): string {
  return `schedule:${schedule}`
}
