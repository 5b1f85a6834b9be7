import { decideAndExplain } from "../../lib/decision/decide.ts"
import type { Decision, Finding } from "../../lib/decision/decision.ts"
import type { Reading } from "../../lib/decision/inputs/reading.ts"
import type { Situation } from "../../lib/decision/situation.ts"
import { digest } from "../../lib/digest.ts"
import { policyOf, type RuleInput, read, readingOf, ruleInput, situationOf } from "./builders.ts"

/** The decision in the passing situation, except for the given values. */
export function decisionOf(over: Partial<Situation> = {}): Decision {
  return decideAndExplain(situationOf(over), digest)
}

/** The finding of one gate. */
export function findingOf(gate: string, over: Partial<Situation> = {}): Finding {
  const finding = decisionOf(over).findings.find((candidate) => candidate.gate === gate)
  if (!finding) throw new Error(`no gate is called ${gate}`)
  return finding
}

/** The verdict of one gate and the reason of the hold: `[passed, reason, heldBy]`. */
export function outcomeAt(
  gate: string,
  over: Partial<Situation> = {},
): [boolean | null, string | null, string | null] {
  const { passed, reason } = findingOf(gate, over)
  return [passed, reason, decisionOf(over).heldBy]
}

/** A situation in which one rule with this reading is the only evidence. */
export function withRule(
  over: Partial<RuleInput>,
  reading: Reading,
  rest: Partial<Situation> = {},
): Partial<Situation> {
  return { policy: policyOf({ rules: [ruleInput(over)] }), readings: read([reading]), ...rest }
}

/** One rule's numbers in the evidence finding. */
export function evidenceOf(over: Partial<Situation>, rule = "npu-busy"): Record<string, unknown> {
  const rules = findingOf("evidence", over).facts["rules"]
  const found = Array.isArray(rules) ? rules.find((candidate) => candidate.rule === rule) : undefined
  if (!found) throw new Error(`no evidence of rule ${rule}`)
  return found
}

/** The verdict of the evidence gate on one rule and the newest values of its metric. */
export function weigh(
  rule: Partial<RuleInput>,
  newestFirst: (number | null)[],
  rest: Partial<Situation> = {},
): string {
  const finding = findingOf("evidence", withRule(rule, readingOf(newestFirst), rest))
  return finding.passed ? "breaching" : (finding.reason ?? "not evaluated")
}
