import type { Decision } from "../decision/decision.ts"
import { HINTS_OUTSIDE } from "../decision/explain/hints.ts"

export function heldTooBig(decision: Decision): Decision {
  return heldOutside(decision, "standing-full", "the entry of this decision would be too big for the ledger")
}

/** A hold for a reason that lies outside the gates, with a finding of its own. */
export function heldOutside(decision: Decision, reason: string, says: string): Decision {
  const nearest = HINTS_OUTSIDE[reason]
  const finding = { gate: reason, passed: false, reason, says, facts: nearest ? { nearest } : {} }
  return { ...decision, kind: "hold", heldBy: reason, findings: [...decision.findings, finding] }
}
