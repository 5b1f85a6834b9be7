import type { Decision, Finding } from "../decision/decision.ts"
import type { Hint } from "../decision/explain/change.ts"
import { PRECONDITION_HINTS } from "../decision/explain/hints.ts"

/** The decision as a hold whose own entry would be too big for the ledger. */
export function heldTooBig(decision: Decision): Decision {
  return holdFor(decision, "standing-full", "the entry of this decision would be too big for the ledger")
}

/** A hold for a reason that lies outside the gates, with a finding of its own. */
export function holdFor(
  decision: Decision,
  reason: string,
  says: string,
  facts: PreconditionFacts = {},
): Decision {
  return { ...withFinding(decision, findingFor(reason, says, facts)), heldBy: reason }
}

/** A finding that fails for a reason outside the gates. `nearest` in its facts is its hint. */
export function preconditionFinding(reason: string, says: string, facts: PreconditionFacts = {}): Finding {
  return findingFor(reason, says, facts)
}

type PreconditionFacts = { nearest?: Hint } & Finding["facts"]

function findingFor(reason: string, says: string, facts: PreconditionFacts = {}): Finding {
  const nearest = facts.nearest ?? PRECONDITION_HINTS[reason]
  return { gate: reason, passed: false, reason, says, facts: { ...facts, ...(nearest ? { nearest } : {}) } }
}

/** The decision with one more finding that fails: it holds, and `heldBy` stays the first reason. */
export function withFinding(decision: Decision, finding: Finding): Decision {
  return {
    ...decision,
    kind: "hold",
    heldBy: decision.heldBy ?? finding.reason,
    findings: [...decision.findings, finding],
  }
}
