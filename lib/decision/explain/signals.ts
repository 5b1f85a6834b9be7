import { staleReason } from "../gates/signal.ts"
import { CLOCK_TOLERANCE_MS, clocksAgree } from "../inputs/clock.ts"
import { STALE_AFTER_MS } from "../inputs/signal.ts"
import { sayDuration } from "../policy/amounts.ts"
import type { Situation } from "../situation.ts"
import { closedAtOf } from "../state/freshness.ts"
import { sayTime } from "../verdict.ts"
import { combineHints, type Hint, wait } from "./change.ts"
import type { HintInputs } from "./hint-maker.ts"
import { resetBy } from "./in-flight.ts"

export function inAlarm(): Hint {
  return { says: "the alarm must change to state alarm", change: { kind: "signal", what: "in-alarm" } }
}

export function readableTime({ situation: { now, signal } }: HintInputs): Hint | null {
  const says = "the signal must carry a readable time"
  return combineHints([
    { says, change: { kind: "signal", what: "newer", from: now } },
    signal.kind === "alarm" && signal.state !== "alarm" ? inAlarm() : null,
  ])
}

/**
 * A stale signal never becomes fresh again. A newer one is needed, dated after the OK that closed the episode and
 * after `spentUntil`.
 */
export function newerSignal({ situation }: HintInputs): Hint {
  const { signal, now, state, asked } = situation
  if (signal.kind === "request" && asked)
    return {
      says: "send the same request with a new id",
      change: { kind: "signal", what: "newer", from: now - STALE_AFTER_MS },
    }
  const over = signal.kind === "request" ? undefined : state.spentUntil
  const from = Math.max(
    now - STALE_AFTER_MS,
    closedAt(situation) ?? -Infinity,
    over === undefined ? -Infinity : over + 1,
  )
  return {
    says: `wait for a signal of ${sayTime(from)} or later`,
    change: { kind: "signal", what: "newer", from },
  }
}

export function comesInReach(inputs: HintInputs): Hint {
  const { situation } = inputs
  const reachedAt = situation.signal.at - CLOCK_TOLERANCE_MS
  // A later OK may have closed the episode: then the signal will be stale when our clock reaches it.
  if (staleReason({ ...situation, now: reachedAt })) return newerSignal(inputs)
  return wait("our clock is within 60s of the signal", reachedAt)
}

function closedAt({ signal, state }: Situation): number | null {
  return signal.kind === "alarm" && signal.state === "alarm" ? closedAtOf(signal, state) : null
}

/**
 * Longest wait for our clock to reach the newest entry. An entry further ahead was dated by a wrong clock, so
 * the hint is then a reset.
 */
const LONG_AHEAD_MS = 15 * 60_000

/** The cloud's clock and the ledger's newest time must both agree with ours. */
export function clockAgreesAgain({ situation }: HintInputs): Hint {
  const { now, headAt, cloudSkewMs } = situation
  const reached = headAt === null ? null : headAt - CLOCK_TOLERANCE_MS
  if (cloudSkewMs === null && situation.supernode.state === "read") {
    const says = "the cloud's responses must have a Date header; check whether a proxy removes it"
    const ahead = reached !== null && reached > now
    const then = ahead
      ? `. Then wait until ${sayTime(reached)}, when our clock is within 60s of the ledger's newest entry`
      : ""
    return { says: `${says}${then}`, change: { kind: "clock", byMs: 0, until: ahead ? reached : null } }
  }
  if (
    reached !== null &&
    reached - now > LONG_AHEAD_MS &&
    (cloudSkewMs === null || clocksAgree({ cloudSkewMs }))
  ) {
    const { says, change } = resetBy(situation)
    return { says: `a wrong clock dated the ledger's newest entry; ${says}`, change }
  }
  if (cloudSkewMs === null || clocksAgree({ cloudSkewMs }))
    return wait("our clock is within 60s of the ledger's newest entry", reached ?? now)
  const until = reached !== null && reached > now + cloudSkewMs ? reached : null
  const by = sayDuration(Math.round(Math.abs(cloudSkewMs) / 1000) * 1000)
  const then =
    until === null
      ? ""
      : `, and then wait until it shows ${sayTime(until)}, which is within 60s of the ledger's newest entry`
  return {
    says: `set our clock ${cloudSkewMs > 0 ? "forward" : "back"} by ${by}${then}`,
    change: { kind: "clock", byMs: cloudSkewMs, until },
  }
}
