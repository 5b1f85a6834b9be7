import { counted } from "../policy/amounts.ts"
import { type ActiveFloor, activeFloors, sayLocalTime } from "../schedule/schedule.ts"
import type { Situation } from "../situation.ts"
import { getOwn } from "../state/get-own.ts"
import { handledStartOf, offName } from "../state/handled-starts.ts"
import type { HandledStart } from "../state/state.ts"
import { sayTime } from "../verdict.ts"

/** Evidence of an active schedule, with the numbers behind it. */
export interface FloorEvidence extends ActiveFloor {
  /**
   * `acted`: a purchase for this start exists. `off`: the cloud called its order invalid under this same
   * policy.
   */
  verdict: "wanted" | "acted" | "off"
  /** Smallest rung with at least that many servers: its index on the ladder and its number of servers. */
  index: number
  servers: number
  acted: HandledStart | null
}

/** Evaluates each active schedule separately, since floors are never added. */
export function evaluateFloors({ policy, state, policyHash, now }: Situation): FloorEvidence[] {
  const { schedules, timezone, ladder } = policy
  return activeFloors(schedules, timezone, now).flatMap((floor): FloorEvidence[] => {
    const index = ladder.findIndex((rung) => rung.servers >= floor.atLeast)
    const rung = ladder[index]
    if (!rung) return []
    const acted = handledStartOf(state, floor) ?? null
    const isOff = getOwn(state.rulesOff, offName(floor.schedule)) === policyHash
    const verdict = acted ? "acted" : isOff ? "off" : "wanted"
    const { schedule, atLeast, mayBypassCooldown, occurrence, since, until } = floor
    const { servers } = rung
    return [
      { schedule, atLeast, mayBypassCooldown, occurrence, since, until, verdict, index, servers, acted },
    ]
  })
}

/** `schedule weekday-mornings requires at least 2 servers since Mon 2026-11-30 08:00 +08:00 Asia/Shanghai (2026-11-30T00:00:00Z)`. */
export function sayFloor(
  { schedule, atLeast, since, verdict, acted }: FloorEvidence,
  timezone: string,
): string {
  const wants = `schedule ${schedule} requires at least ${counted(atLeast, "server")} since ${sayLocalTime(since, timezone)}`
  switch (verdict) {
    case "wanted":
      return wants
    case "acted":
      return `${wants}; a purchase for this start was made at ${acted ? sayTime(acted.at) : "an unknown time"}`
    case "off":
      return `${wants}; it is switched off by a refused order until the policy changes`
    default:
      return verdict satisfies never
  }
}
