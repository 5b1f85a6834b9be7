import { counted, sayDuration } from "../../../lib/decision/policy/amounts.ts"
import type { Policy } from "../../../lib/decision/policy/policy.ts"
import { activeFloors, nextStart, type Start, sayLocalTime } from "../../../lib/decision/schedule/schedule.ts"
import { handledStartOf } from "../../../lib/decision/state/handled-starts.ts"
import type { HandledStart, SupernodeState } from "../../../lib/decision/state/state.ts"

/** State of one schedule: its floor if it is active, and its next start. Times are epoch milliseconds. */
export interface ScheduleState {
  name: string
  cron: string
  timezone: string
  forMs: number
  atLeast: number
  bypassesCooldown: boolean
  active: { occurrence: string; since: number; until: number; acted: HandledStart | null } | null
  next: Start | null
}

/** States of all schedules. If `state` is `null`, it is unknown for which starts a purchase was made. */
export function scheduleStates(policy: Policy, state: SupernodeState | null, now: number): ScheduleState[] {
  const { schedules, timezone } = policy
  return schedules.map((schedule) => {
    const { name, cron, forMs, atLeast, cooldown } = schedule
    const [active] = activeFloors([schedule], timezone, now)
    return {
      name,
      cron: cron.text,
      timezone,
      forMs,
      atLeast,
      bypassesCooldown: cooldown === "bypass",
      active: active
        ? {
            occurrence: active.occurrence,
            since: active.since,
            until: active.until,
            acted: (state && handledStartOf(state, active)) ?? null,
          }
        : null,
      next: nextStart(schedule, timezone, now),
    }
  })
}

/** Rows of label and text, one for each schedule; only the first row has the label. */
export function scheduleRows(states: readonly ScheduleState[]): string[][] {
  return states.map((state, i) => [i === 0 ? "  schedules" : "", sayState(state)])
}

function sayState({ name, cron, timezone, forMs, atLeast, bypassesCooldown, active, next }: ScheduleState) {
  const bypass = bypassesCooldown ? ", bypasses the cooldown" : ""
  const floor = `${name}: at least ${counted(atLeast, "server")} for ${sayDuration(forMs)} from "${cron}"${bypass}`
  const acted = active?.acted ? ", already bought" : ""
  const now = active ? `active until ${sayLocalTime(active.until, timezone)}${acted}` : "not active"
  const later = next ? `next: ${sayLocalTime(next.at, timezone)}` : "next: none within eight years"
  return `${floor}; ${now}; ${later}`
}
