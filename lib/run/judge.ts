import { decide } from "../decision/decide.ts"
import type { Decision } from "../decision/decision.ts"
import type { Situation } from "../decision/situation.ts"
import { digest } from "../digest.ts"

const decisions = new WeakMap<Situation, Decision>()

/** `decide`, once per situation: a run asks up to seven times, and mostly about one it knows. Situations never change. */
export function judge(situation: Situation): Decision {
  const known = decisions.get(situation)
  if (known) return known
  const decision = decide(situation, digest)
  decisions.set(situation, decision)
  return decision
}
