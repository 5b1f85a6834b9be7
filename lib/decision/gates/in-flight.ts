import { type Cooldown, cooldownOf } from "../pacing/cooldown.ts"
import { counted, sayTimeLeft } from "../policy/amounts.ts"
import type { OpenAttempt } from "../state/attempt.ts"
import { activeStop, type Stop } from "../state/control.ts"
import { getOwn } from "../state/get-own.ts"
import { fail, notEvaluated, pass, sayTime, type Verdict } from "../verdict.ts"
import type { GateFacts } from "./gate.ts"

export function notPaused({ situation: { control, policy, now } }: GateFacts): Verdict {
  if (control.state === "unreadable")
    return fail("control-unreadable", `could not read whether purchases are paused: ${control.why}`)
  if (control.state === "not-read") return notEvaluated("the control stream was not read")
  const everything = activeStop(control.value.pausedAll, now)
  if (everything)
    return fail("paused", `all supernodes are paused: ${sayStop(everything)}`, {
      scope: "all",
      ...everything,
    })
  const one = activeStop(getOwn(control.value.paused, policy.id), now)
  if (one) return fail("paused", `${policy.name} is paused: ${sayStop(one)}`, { scope: policy.id, ...one })
  return pass("no pause is active")
}

export function noHold({ situation: { control, policy, now, signal } }: GateFacts): Verdict {
  if (control.state !== "read") return notEvaluated("the control stream was not read")
  const hold = activeStop(getOwn(control.value.held, policy.id), now)
  if (!hold) return pass("no hold is active")
  if (signal.kind === "request")
    return pass(`the hold stops automatic purchases only: ${sayStop(hold)}`, { ...hold })
  return fail("held", `${policy.name} is held: ${sayStop(hold)}`, { ...hold })
}

/** Fails while an attempt may still cost money, during a back-off, and after a refusal that needs a person. */
export function noAttemptInFlight({ situation: { state, now } }: GateFacts): Verdict {
  const { attempt, breaker, throttle } = state
  if (attempt) return fail(attemptReason(attempt, now), sayAttempt(attempt), attemptFacts(attempt))
  if (breaker) {
    return fail(
      "breaker",
      `the purchase was refused (${breaker.class}) at ${sayTime(breaker.since)}: ${breaker.says}. Purchases stop until an operator corrects the cause and runs the command \`reset\``,
      { ...breaker },
    )
  }
  if (throttle && throttle.until > now) {
    return fail(
      "backoff",
      `backing off until ${sayTime(throttle.until)}, because the cloud throttled the purchase`,
      {
        ...throttle,
      },
    )
  }
  return pass("nothing is in flight")
}

/** An open attempt past its deadline is unknown, whether or not an entry says so yet. */
function attemptReason({ state, deadline }: OpenAttempt, now: number): string {
  switch (state) {
    case "open":
      return now > deadline ? "outcome-unknown" : "in-flight"
    case "accepted":
      return "in-flight"
    case "unknown":
      return "outcome-unknown"
    case "stuck":
    case "partial":
    case "wrong":
      return state
    default:
      return state satisfies never
  }
}

function sayAttempt({ openedAt, from, to, flavor, orderId, says }: OpenAttempt): string {
  const order = orderId ? `, order ${orderId}` : ""
  return `the attempt of ${sayTime(openedAt)} (${from} to ${counted(to, "server")}, ${flavor}${order}) ${says}`
}

function attemptFacts({
  id,
  state,
  seq,
  openedAt,
  deadline,
  flavor,
  from,
  to,
  orderId,
}: OpenAttempt): Record<string, unknown> {
  return { attempt: id, state, seq, openedAt, deadline, flavor, from, to, orderId }
}

/** Applies to every signal, except a schedule or a request that explicitly bypasses the cooldown. */
export function cooldownOver({ situation, choice }: GateFacts): Verdict {
  const { policy, now, signal } = situation
  const cooldown = cooldownOf(situation)
  const { until, requestedAt, completedAt, foreignAt } = cooldown
  const { cooldownMs, minIntervalMs } = policy
  const facts = { until, requestedAt, completedAt, foreignAt, cooldownMs, minIntervalMs }
  if (until === null || until <= now) return pass(sayOver(cooldown), facts)
  const ends = `the cooldown would have lasted until ${sayTime(until)}`
  if (signal.kind === "request" && signal.bypassCooldown)
    return pass(`bypassed by ${signal.requestedBy}: ${ends}`, { ...facts, bypassed: true })
  const says = `cooling down until ${sayTime(until)}, another ${sayTimeLeft(until - now)}`
  const { bypassing } = choice
  if (bypassing === null)
    return {
      ...notEvaluated(`${says}; whether a schedule bypasses the cooldown depends on the number of servers`),
      facts,
    }
  if (bypassing.length === 0) return fail("cooldown", says, facts)
  const names = `schedule${bypassing.length > 1 ? "s" : ""} ${bypassing.join(", ")}`
  return pass(`bypassed by ${names}: ${ends}`, { ...facts, bypassed: true, schedules: bypassing })
}

/** A supernode without purchases cools down from the creation of its newest server. */
function sayOver({ until, requestedAt, completedAt }: Cooldown): string {
  if (until === null) return "no purchase is on record"
  const isFirst = requestedAt === null && completedAt === null
  return `${isFirst ? "no purchase is on record; the cooldown after the newest server" : "the cooldown"} ended at ${sayTime(until)}`
}

function sayStop({ by, why, at, until }: Stop): string {
  return `by ${by} at ${sayTime(at)}${until === null ? "" : `, until ${sayTime(until)}`}: ${why}`
}
