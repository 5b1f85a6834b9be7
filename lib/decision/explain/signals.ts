import { STALE_AFTER_MS } from "../gates/signal.ts"
import { CLOCK_TOLERANCE_MS } from "../inputs/clock.ts"
import { sayDuration } from "../policy/units.ts"
import type { Situation } from "../situation.ts"
import { own } from "../state/own.ts"
import { sayTime } from "../verdict.ts"
import { type Nearest, together, wait } from "./change.ts"
import type { Question } from "./question.ts"

export function inAlarm(): Nearest {
  return { says: "the alarm must go into alarm", change: { kind: "signal", what: "in-alarm" } }
}

export function readableTime({ situation: { now, signal } }: Question): Nearest | null {
  const says = "the signal must carry a readable time"
  return together([
    { says, change: { kind: "signal", what: "newer", from: now } },
    signal.kind === "alarm" && signal.state !== "alarm" ? inAlarm() : null,
  ])
}

/** A signal ages only: another one is needed, and after an OK one that is no older than that OK. */
export function newerSignal({ situation }: Question): Nearest {
  const from = Math.max(situation.now - STALE_AFTER_MS, closedAt(situation) ?? -Infinity)
  return {
    says: `needs a signal of ${sayTime(from)} or later`,
    change: { kind: "signal", what: "newer", from },
  }
}

export function comesInReach(question: Question): Nearest {
  const { signal } = question.situation
  const closed = closedAt(question.situation)
  // Its episode was closed by an OK that is later still: once it is in reach, it will be stale.
  if (closed !== null && closed > signal.at) return newerSignal(question)
  return wait("our clock comes within 60s of the signal at", signal.at - CLOCK_TOLERANCE_MS)
}

function closedAt({ signal, standing }: Situation): number | null {
  return signal.kind === "alarm" && signal.state === "alarm"
    ? (own(standing.episodes, signal.episode.key)?.closedAt ?? null)
    : null
}

/** The cloud's clock and the ledger's newest time both have to agree with ours. */
export function clockAgreesAgain({ situation: { now, headAt, cloudSkewMs } }: Question): Nearest {
  const reached = headAt === null ? null : headAt - CLOCK_TOLERANCE_MS
  if (cloudSkewMs === null || Math.abs(cloudSkewMs) <= CLOCK_TOLERANCE_MS)
    return wait("our clock comes within 60s of the ledger at", reached ?? now)
  const until = reached !== null && reached > now + cloudSkewMs ? reached : null
  const by = sayDuration(Math.round(Math.abs(cloudSkewMs) / 1000) * 1000)
  const then = until === null ? "" : `, and then show ${sayTime(until)}, within 60s of the ledger`
  return {
    says: `our clock must be set ${by} ${cloudSkewMs > 0 ? "forward" : "back"}${then}`,
    change: { kind: "clock", byMs: cloudSkewMs, until },
  }
}
