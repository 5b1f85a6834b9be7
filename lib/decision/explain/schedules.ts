import { evaluateFloors } from "../ladder/floors.ts"
import { nextStart, sayLocalTime } from "../schedule/schedule.ts"
import type { Situation } from "../situation.ts"
import { getOwn } from "../state/get-own.ts"
import { offName } from "../state/handled-starts.ts"
import type { Hint } from "./change.ts"
import { resetBy } from "./in-flight.ts"

// An active schedule needs no metric: one that is switched off needs only its command, a future one only
// time.

/** null: no active schedule is switched off. */
export function scheduleOnAgain(situation: Situation): Hint | null {
  const isOff = evaluateFloors(situation).some(({ verdict }) => verdict === "off")
  return isOff ? onAgain(situation) : null
}

/** Schedules that were switched off by an order that the cloud called invalid. */
export function onAgain(situation: Situation): Hint {
  const reset = resetBy(situation)
  return { ...reset, says: `${reset.says}, or change the policy` }
}

/** First start of a schedule that may buy; null if there is none ahead. */
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
