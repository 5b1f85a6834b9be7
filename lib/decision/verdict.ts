import type { Finding } from "./decision.ts"
import { keptTexts } from "./inputs/kept-texts.ts"

/** Verdict of a gate before the gate's name is added. */
export type Verdict = Omit<Finding, "gate">
type Facts = Finding["facts"]

export function pass(says: string, facts: Facts = {}): Verdict {
  return { passed: true, reason: null, says, facts }
}

export function fail(reason: string, says: string, facts: Facts = {}): Verdict {
  return { passed: false, reason, says, facts }
}

/** Verdict without its facts. Never buys. */
export function notEvaluated(says: string): Verdict {
  return { passed: null, reason: null, says, facts: {} }
}

/** Instants in sentences: ISO 8601 in UTC, as in the logs of both clouds. */
export const sayTime = keptTexts((at) => {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? "an unreadable time" : date.toISOString()
})
