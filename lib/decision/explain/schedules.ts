import { evaluateFloors } from "../ladder/floors.ts"
import { nextStart, sayLocalTime } from "../schedule/schedule.ts"
import type { Situation } from "../situation.ts"
import { getOwn } from "../state/get-own.ts"
import { offName } from "../state/handled-starts.ts"
import type { Hint } from "./change.ts"
import { resetBy } from "./in-flight.ts"

// Schedules need no metric. An active one that is switched off needs only an operator command; a future one
// needs only time.

/** `null` if no active schedule is switched off. */
export function scheduleOnAgain(situation: Situation): Hint | null {
  const isOff = evaluateFloors(situation).some(({ verdict }) => verdict === "off")
  return isOff ? onAgain(situation) : null
}

/** Hint for rules and schedules that are switched off, because the cloud called their order invalid. */
export function onAgain(situation: Situation): Hint {
  const reset = resetBy(situation)
  return { ...reset, says: `${reset.says}, or change the policy` }
}

/** Next start among the schedules that are not switched off, epoch milliseconds; `null` if there is none. */
export function nextSchedule(situation: Situation): { at: number; says: string } | null {
  const { policy, state, policyHash, now } = situation
  const starts = policy.schedules.flatMap((schedule) => {
    if (getOwn(state.rulesOff, offName(schedule.name)) === policyHash) return []
    const at = nextStart(schedule, policy.timezone, now)?.at
    return at === undefined
      ? []
      : [
          {
            at,
            says: `wait until ${sayLocalTime(at, policy.timezone)}, when schedule ${schedule.name} starts`,
          },
        ]
  })
  const [first] = starts.sort((a, b) => a.at - b.at)
  return first ?? null
}
