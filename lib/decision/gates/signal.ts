import { CLOCK_TOLERANCE_MS } from "../inputs/clock.ts"
import { STALE_AFTER_MS } from "../inputs/signal.ts"
import { sayDuration } from "../policy/amounts.ts"
import type { Situation } from "../situation.ts"
import { closedAtOf, repeatableUntil } from "../state/freshness.ts"
import { getOwn } from "../state/get-own.ts"
import { fail, notEvaluated, pass, sayTime, type Verdict } from "../verdict.ts"
import type { GateFacts } from "./gate.ts"

export function signalValid({ situation: { signal } }: GateFacts): Verdict {
  if (!Number.isFinite(signal.at)) return fail("signal-invalid", "the signal has no readable time")
  if (signal.kind === "tick") return pass(`tick of ${signal.name}`, { kind: "tick", name: signal.name })
  if (signal.kind === "request") {
    const { requestedBy, why, mode } = signal
    return pass(`requested by ${requestedBy}: ${why}`, { kind: "request", requestedBy, why, mode })
  }
  const facts = {
    kind: "alarm",
    source: signal.source,
    alarm: signal.alarm,
    state: signal.state,
    resource: signal.resource,
  }
  if (signal.state === "alarm") return pass(`${signal.source} alarm ${signal.alarm} is in state alarm`, facts)
  return fail(
    "not-alarm",
    `${signal.source} alarm ${signal.alarm} is in state ${signal.state}; only state alarm may lead to a purchase`,
    facts,
  )
}

/** A signal is new unless another run opened an attempt for it; a restarted run does not block itself. */
export function signalIsNew({ situation: { signal, state, run } }: GateFacts): Verdict {
  const first = getOwn(state.signals, signal.id)
  if (!first || first.run === run) return pass("no other run opened an attempt for it", { signal: signal.id })
  return fail(
    "duplicate",
    `run ${first.run} already opened an attempt for this signal at ${sayTime(first.at)} (entry ${first.seq})`,
    { signal: signal.id, ...first },
  )
}

/**
 * Compares our clock with the newest entry and with the cloud's clock. A purchase needs a time on which two
 * clocks agree.
 */
export function clockAgrees({ situation: { now, headAt, cloudSkewMs, supernode } }: GateFacts): Verdict {
  const facts = { now, headAt, cloudSkewMs }
  if (headAt !== null && headAt - now > CLOCK_TOLERANCE_MS) {
    return fail(
      "clock-behind-ledger",
      `the ledger's newest entry is dated ${sayTime(headAt)}, but our clock shows ${sayTime(now)}`,
      facts,
    )
  }
  if (cloudSkewMs !== null && Math.abs(cloudSkewMs) > CLOCK_TOLERANCE_MS) {
    return fail(
      "clock-skewed",
      `the cloud's clock is ${sayDuration(Math.round(Math.abs(cloudSkewMs) / 1000) * 1000)} ${cloudSkewMs > 0 ? "ahead of" : "behind"} ours; at most 60s is allowed`,
      facts,
    )
  }
  if (cloudSkewMs === null && supernode.state === "read") {
    const says = "the cloud's responses have no Date header, so no second clock confirms ours"
    return fail("clock-skewed", says, facts)
  }
  return pass(
    cloudSkewMs === null
      ? "no other clock disagrees with ours"
      : `within ${CLOCK_TOLERANCE_MS / 1000}s of the cloud's clock`,
    facts,
  )
}

export function signalIsFresh({ situation }: GateFacts): Verdict {
  const { signal, now } = situation
  const ageMs = now - signal.at
  if (!Number.isFinite(ageMs)) return notEvaluated("the signal has no readable time")
  const facts = { at: signal.at, ageMs }
  if (ageMs > STALE_AFTER_MS) {
    return fail(
      "stale",
      `the signal is dated ${sayTime(signal.at)}, ${Math.floor(ageMs / 60_000)} minutes ago; at most 15 minutes are allowed`,
      facts,
    )
  }
  if (-ageMs > CLOCK_TOLERANCE_MS) {
    return fail(
      "from-the-future",
      `the signal is dated ${sayTime(signal.at)}, ${Math.round(-ageMs / 1000)} s ahead of our clock`,
      facts,
    )
  }
  const overtaken = staleReason(situation)
  if (overtaken) return fail("stale", overtaken.says, { ...facts, ...overtaken.facts })
  return pass(`${Math.max(0, Math.round(ageMs / 1000))} s old`, facts)
}

interface StaleReason {
  says: string
  facts: Record<string, unknown>
}

/** Reason why a signal within the maximum age is stale; null if it is not. */
export function staleReason(situation: Situation): StaleReason | null {
  const { signal, now, state, run, asked, policy } = situation
  if (signal.kind === "request") {
    const until = asked ? repeatableUntil(asked, policy) : Infinity
    if (!asked || now <= until) return null
    const says = `this request first arrived at ${sayTime(asked.at)} and was held; it could run again until ${sayTime(until)}`
    return { says, facts: { firstAt: asked.at, until } }
  }
  const { spentUntil = -Infinity, signals } = state
  if (signal.at <= spentUntil && getOwn(signals, signal.id)?.run !== run) {
    const says = `signals dated up to ${sayTime(spentUntil)} count as stale, because it is no longer known which of them led to purchase attempts`
    return { says, facts: { spentUntil } }
  }
  const closedAt = signal.kind === "alarm" && signal.state === "alarm" ? closedAtOf(signal, state) : null
  if (closedAt === null || closedAt <= signal.at) return null
  return {
    says: `the alarm has recovered since then: its OK signal is dated ${sayTime(closedAt)}`,
    facts: { closedAt },
  }
}
