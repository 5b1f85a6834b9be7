import { byRule } from "../inputs/reading.ts"
import { presentServers } from "../inputs/supernode.ts"
import { counted } from "../policy/amounts.ts"
import { isOnClearSide } from "../policy/threshold.ts"
import type { Situation } from "../situation.ts"
import { getOwn } from "../state/get-own.ts"
import { breachingBound, clearBound, sayBound } from "./bounds.ts"
import { combineHints, type Hint } from "./change.ts"
import { keysAccepted, readable } from "./cloud.ts"
import type { HintInputs } from "./hint-maker.ts"
import { breaching, isSilenced, type Need, type RuleFacts, WARM_UP_SURCHARGE } from "./points.ts"
import { nextSchedule, onAgain, scheduleOnAgain } from "./schedules.ts"

// One rule or schedule that proposes a rung is enough. The hint names the rule that needs the fewest periods;
// on a tie, the first in the policy. Rules that also need a warm-up, a person or the cloud come last. The
// next schedule is named too, or alone if it starts before that rule could breach.

/** Requirement of one rule, and the time that it takes. */
interface TimedNeed extends Need {
  /** Minimum duration of the needed periods, milliseconds; `Infinity` if unknown. */
  takesMs: number
}

export function moreEvidence(inputs: HintInputs): Hint | null {
  const { situation } = inputs
  const on = scheduleOnAgain(situation)
  if (on) return on
  const { hint, takesMs } = nearestNeed(inputs)
  const start = nextSchedule(situation)
  if (!start) return hint
  if (hint === null || start.at - situation.now < takesMs)
    return { says: start.says, change: { kind: "wait", until: start.at } }
  return { ...hint, says: `${hint.says}; or ${start.says}` }
}

/** Surcharge if a person or the cloud must act first. It exceeds `WARM_UP_SURCHARGE`. */
const PERSON_SURCHARGE = 10_000

const OUT_OF_REACH: TimedNeed = { hint: null, effort: Infinity, takesMs: Infinity }

/** Requirement of the nearest rule; ignores schedules. */
function nearestNeed({ situation, choice, finding }: HintInputs): TimedNeed {
  const { readings, supernode, policy } = situation
  if (readings.state === "unreadable") {
    const again = readings.credentials ? keysAccepted("metrics") : readable("metrics")
    return {
      ...OUT_OF_REACH,
      hint: combineHints([supernode.state === "read" ? null : readable("supernode"), again]),
    }
  }
  // The rules were not evaluated, so none of them failed.
  if (readings.state !== "read" || supernode.state !== "read") return OUT_OF_REACH
  const servers = presentServers(supernode.value)
  // The supernode has no servers, so no server can report a metric.
  if (servers.length === 0 && supernode.value.servers !== null) return OUT_OF_REACH
  const evidence = byRule(choice.rules)
  const readingOf = byRule(readings.value)
  const needs = policy.rules.flatMap((rule, index) => {
    const found = evidence.get(rule.name)
    const reading = readingOf.get(rule.name)
    return found ? [needOf({ situation, rule, index, reading, found, servers })] : []
  })
  const [best] = needs.sort((a, b) => a.effort - b.effort)
  if (!best?.hint) return OUT_OF_REACH
  return finding.reason === "credentials"
    ? { ...OUT_OF_REACH, hint: combineHints([keysAccepted("metrics"), best.hint]) }
    : best
}

function needOf(facts: RuleFacts): TimedNeed {
  const { situation, rule, reading } = facts
  const isOff = getOwn(situation.state.rulesOff, rule.name) === situation.policyHash
  const isLatched = !rule.repeat && getOwn(situation.state.latches, rule.name) !== undefined
  const { hint, effort } = isLatched ? unlatched(facts) : breaching(facts)
  // Without a hint the rule already breaches, perhaps by missing data, so no server has to report.
  const started = hint && isSilenced(facts) ? reportingAgain(situation) : null
  // A rule that breaches but is switched off needs only the operator command, so it gets no surcharge.
  const surcharge = (started ? PERSON_SURCHARGE : 0) + (isOff && hint ? PERSON_SURCHARGE : 0)
  const takesMs = surcharge > 0 || effort >= WARM_UP_SURCHARGE ? Infinity : effort * (reading?.periodMs ?? 0)
  return {
    hint: combineHints([isOff ? onAgain(situation) : null, started, hint]),
    effort: effort + surcharge,
    takesMs,
  }
}

function reportingAgain({ supernode }: Situation): Hint {
  return supernode.state === "read" && supernode.value.servers === null
    ? readable("supernode")
    : { says: "a server must be RUNNING", change: { kind: "cloud", what: "server-running" } }
}

/**
 * Requirement of a latched rule: it must clear, and then breach again. The decision that sees it clear ends
 * the latch for later signals only.
 */
function unlatched(facts: RuleFacts): Need {
  const { situation, rule, index, found } = facts
  const { m } = rule.points
  const again = breaching(facts)
  if (found.cleared) {
    const next: Hint = {
      says: `wait for the next signal: ${rule.name} has cleared`,
      change: { kind: "signal", what: "next" },
    }
    return { hint: combineHints([next, again.hint]), effort: again.effort + 1 }
  }
  const level = clearBound(rule)
  if (level === null) {
    const path = `rules.${index}.repeat`
    const hint: Hint = {
      says: `set ${path} to true: no value clears rule ${rule.name}`,
      change: { kind: "policy", path, value: true },
    }
    return { hint: combineHints([hint, again.hint]), effort: PERSON_SURCHARGE }
  }
  const latchedAt = getOwn(situation.state.latches, rule.name) ?? 0
  const clear = found.points.filter(
    ({ at, state, value }) =>
      state === "real" && value !== null && at >= latchedAt && isOnClearSide(rule, value),
  ).length
  const count = m - clear
  const hint: Hint = {
    says: `wait until ${rule.name} clears (${count} more point${count === 1 ? "" : "s"}${sayBound(level)}) and breaches again (${counted(m, "point")}${sayBound(breachingBound(rule))})`,
    change: {
      kind: "all",
      changes: [
        { kind: "clear", rule: rule.name, count, level },
        { kind: "points", rule: rule.name, count: m, level: breachingBound(rule) },
      ],
    },
  }
  return { hint, effort: count + m }
}
