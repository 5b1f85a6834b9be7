import { CLOCK_TOLERANCE_MS } from "../inputs/clock.ts"
import type { AlarmSignal } from "../inputs/signal.ts"
import { sayDuration } from "../policy/units.ts"
import { own } from "../state/own.ts"
import { fail, notEvaluated, pass, sayTime, type Verdict } from "../verdict.ts"
import type { GateFacts } from "./gate.ts"

/** A signal older than this by its own time says nothing of the present; the tick finds the truth anew. */
export const STALE_AFTER_MS = 15 * 60_000

export function signalValid({ situation: { signal } }: GateFacts): Verdict {
  if (!Number.isFinite(signal.at)) return fail("signal-invalid", "the signal has no readable time")
  if (signal.kind === "tick") return pass(`tick of ${signal.name}`, { kind: "tick", name: signal.name })
  if (signal.kind === "request") {
    const { requestedBy, why, mode } = signal
    return pass(`asked for by ${requestedBy}: ${why}`, { kind: "request", requestedBy, why, mode })
  }
  const facts = {
    kind: "alarm",
    source: signal.source,
    alarm: signal.alarm,
    state: signal.state,
    resource: signal.resource,
  }
  if (signal.state === "alarm") return pass(`${signal.source} alarm ${signal.alarm} is in alarm`, facts)
  return fail(
    "not-alarm",
    `${signal.source} alarm ${signal.alarm} says ${signal.state}; only an alarm may lead to a purchase`,
    facts,
  )
}

/** A signal is new unless another run recorded it; a restarted run does not trip over itself. */
export function signalIsNew({ situation: { signal, standing, run } }: GateFacts): Verdict {
  const first = own(standing.signals, signal.id)
  if (!first || first.run === run) return pass("not seen before", { signal: signal.id })
  return fail(
    "duplicate",
    `run ${first.run} recorded this signal already, at ${sayTime(first.at)} (entry ${first.seq})`,
    { signal: signal.id, ...first },
  )
}

/** Our clock against the newest entry and against the cloud's. A purchase needs a time that two clocks agree on. */
export function clockAgrees({ situation: { now, headAt, cloudSkewMs, supernode } }: GateFacts): Verdict {
  const facts = { now, headAt, cloudSkewMs }
  if (headAt !== null && headAt - now > CLOCK_TOLERANCE_MS) {
    return fail(
      "clock-behind-ledger",
      `the ledger's newest entry is of ${sayTime(headAt)}, and our clock says ${sayTime(now)}`,
      facts,
    )
  }
  if (cloudSkewMs !== null && Math.abs(cloudSkewMs) > CLOCK_TOLERANCE_MS) {
    return fail(
      "clock-skewed",
      `the cloud's clock is ${sayDuration(Math.round(cloudSkewMs / 1000) * 1000)} from ours; at most 60s are allowed`,
      facts,
    )
  }
  if (cloudSkewMs === null && supernode.state === "read") {
    const says = "the cloud's answers name no time (header Date), so that no second clock confirms ours"
    return fail("clock-skewed", says, facts)
  }
  return pass(
    cloudSkewMs === null
      ? "no clock contradicts ours"
      : `within ${CLOCK_TOLERANCE_MS / 1000}s of the cloud's clock`,
    facts,
  )
}

export function signalIsFresh({ situation: { signal, now, standing } }: GateFacts): Verdict {
  const ageMs = now - signal.at
  if (!Number.isFinite(ageMs)) return notEvaluated("the signal has no readable time")
  const facts = { at: signal.at, ageMs }
  if (ageMs > STALE_AFTER_MS) {
    return fail(
      "stale",
      `the signal is of ${sayTime(signal.at)}, ${Math.floor(ageMs / 60_000)} minutes ago; at most 15 are allowed`,
      facts,
    )
  }
  if (-ageMs > CLOCK_TOLERANCE_MS) {
    return fail(
      "from-the-future",
      `the signal is of ${sayTime(signal.at)}, ${Math.round(-ageMs / 1000)} s ahead of our clock`,
      facts,
    )
  }
  const closedAt = signal.kind === "alarm" ? closedSince(signal, standing.episodes) : null
  if (closedAt !== null) {
    return fail(
      "stale",
      `the alarm's episode was closed by an OK of ${sayTime(closedAt)}, after this signal`,
      { ...facts, closedAt },
    )
  }
  return pass(`${Math.max(0, Math.round(ageMs / 1000))} s old`, facts)
}

/** An older ALARM reopens no closed episode: messages may overtake each other. */
function closedSince(
  signal: AlarmSignal,
  episodes: GateFacts["situation"]["standing"]["episodes"],
): number | null {
  const closedAt = own(episodes, signal.episode.key)?.closedAt ?? null
  return signal.state === "alarm" && closedAt !== null && closedAt > signal.at ? closedAt : null
}
