import { countedEffects } from "../evidence/efficacy.ts"
import type { Situation } from "../situation.ts"
import type { OpenAttempt } from "../state/attempt.ts"
import { activeStop } from "../state/control.ts"
import { getOwn } from "../state/get-own.ts"
import { sayTime } from "../verdict.ts"
import { combineHints, type Hint, wait, withLastWait } from "./change.ts"
import type { HintInputs } from "./hint-maker.ts"
import { operatorCommand } from "./operator-command.ts"

// Hints for pauses, holds and attempts. Some of these end by themselves; the others need an operator command.

export function unpaused({ situation: { control, policy, now } }: HintInputs): Hint | null {
  if (control.state !== "read") return null // not read: another gate gives the reason
  const stops = [
    { supernode: null, stop: activeStop(control.value.pausedAll, now) },
    { supernode: policy.id, stop: activeStop(getOwn(control.value.paused, policy.id), now) },
  ]
  const lifted = stops.flatMap(({ supernode, stop }): Hint[] => {
    if (!stop) return []
    const command = operatorCommand.resume(supernode === null ? null : policy.name)
    if (stop.until === null)
      return [{ says: `run: ${command}`, change: { kind: "person", verb: "resume", supernode } }]
    const ends = wait("the pause ends", stop.until)
    return [{ ...ends, says: `${ends.says}, or run: ${command}` }]
  })
  return withLastWait(lifted)
}

export function released({ situation: { control, policy, now } }: HintInputs): Hint | null {
  if (control.state !== "read") return null // not read: another gate gives the reason
  const until = activeStop(getOwn(control.value.held, policy.id), now)?.until ?? null
  if (until === null) return null // no command sets a hold without an end
  const ends = wait("the hold ends", until)
  return { ...ends, says: `${ends.says}, or run: ${operatorCommand.endHold(policy.name)}` }
}

/** All conditions of the gate, the attempt first. */
export function nothingInFlight({ situation }: HintInputs): Hint | null {
  const { attempt, breaker, throttle } = situation.state
  const closed = attempt && closedBy(attempt, situation)
  // A reset also ends the throttle, so the hint names no wait.
  if (breaker) return combineHints([closed, resetBy(situation)])
  const isWaiting = throttle !== null && throttle.until > situation.now
  return combineHints([closed, isWaiting ? wait("the backoff ends", throttle.until) : null])
}

function closedBy(attempt: OpenAttempt, situation: Situation): Hint {
  const { id, state, deadline } = attempt
  if (state === "accepted")
    return {
      says: "all ordered servers must be RUNNING",
      change: { kind: "attempt", becomes: "completed", attempt: id },
    }
  if (state === "open" && situation.now <= deadline)
    return {
      says: `the run that opened the attempt must record its outcome; after ${sayTime(deadline)} a person may settle it`,
      change: { kind: "attempt", becomes: "settled", attempt: id },
    }
  return settledBy(situation, id)
}

export function settledBy({ policy }: Situation, attempt: string): Hint {
  return {
    says: `run: ${operatorCommand.settle(policy.name, ["completed", "absent"])}`,
    change: { kind: "person", verb: "settle", attempt },
  }
}

export function resetBy({ policy }: Situation): Hint {
  return {
    says: `run: ${operatorCommand.reset(policy.name)}`,
    change: { kind: "person", verb: "reset" },
  }
}

/**
 * If the effect of a counted purchase is still to be measured, enough gain would make the gate pass.
 * Otherwise only a reset does.
 */
export function helpedAfterAll({ situation, digest }: HintInputs): Hint {
  const { efficacy } = situation.policy
  const reset = resetBy(situation)
  if (!efficacy) return reset
  const row = countedEffects(situation, digest).slice(-efficacy.purchases)
  const [first] = row
    .filter(({ before, gain, dueAt }) => before !== null && gain === null && situation.now < dueAt)
    .sort((a, b) => a.dueAt - b.dueAt)
  if (!first) return reset
  return {
    says: `a purchase that rule ${first.rule} caused must have improved its metric by at least ${efficacy.minGain} (measurable after ${sayTime(first.dueAt)}); or ${reset.says}`,
    change: { kind: "effect", attempt: first.attempt, gain: efficacy.minGain, from: first.dueAt },
  }
}

export function cooledDown({ finding }: HintInputs): Hint | null {
  const until = finding.facts["until"]
  return typeof until === "number" ? wait("the cooldown ends", until) : null
}
