import type { Decision, Finding } from "./decision.ts"
import { withCause } from "./evidence/efficacy.ts"
import { withHint } from "./explain/hints.ts"
import { efficacy } from "./gates/efficacy.ts"
import type { Gate, GateFacts } from "./gates/gate.ts"
import { cooldownOver, noAttemptInFlight, noHold, notPaused } from "./gates/in-flight.ts"
import { actionRate, priceKnown, withinBudget } from "./gates/money.ts"
import { approved, planAsShown } from "./gates/plan.ts"
import { clockAgrees, signalIsFresh, signalIsNew, signalValid } from "./gates/signal.ts"
import { supernodeReady } from "./gates/supernode.ts"
import { clocksAgree } from "./inputs/clock.ts"
import type { Fetched } from "./inputs/fetched.ts"
import { type Choice, chooseRung } from "./ladder/choose-rung.ts"
import { orderCost } from "./money/cost.ts"
import { type Digest, planScaleUp, type ScaleUpPlan } from "./plan.ts"
import type { Situation } from "./situation.ts"
import type { Control } from "./state/control.ts"
import type { Verdict } from "./verdict.ts"

/**
 * The gates in their order, one line and one reason each. Every verdict is recorded, so that "why not" lists
 * all of them.
 */
export const GATES: readonly Gate[] = [
  { id: "signal-valid", check: signalValid }, // states other than "alarm" never buy
  { id: "signal-is-new", check: signalIsNew }, // every event may be delivered twice
  { id: "clock-agrees", check: clockAgrees }, // every later gate compares times
  { id: "not-paused", check: notPaused }, // a person's command overrides all evidence
  { id: "signal-is-fresh", check: signalIsFresh }, // a late event reports a load that may be gone
  { id: "no-hold", check: noHold }, // an operator asked for quiet
  { id: "no-attempt-in-flight", check: noAttemptInFlight }, // never buy twice
  { id: "supernode-ready", check: supernodeReady }, // the API refuses other states, or accepts an order that it cannot fulfil
  { id: "rung-known", check: ({ choice }) => choice.rungKnown }, // without the current rung, no larger one can be chosen
  { id: "evidence", check: ({ choice }) => choice.evidence }, // an alarm starts a run, evidence decides
  { id: "rung-above-current", check: ({ choice }) => choice.aboveCurrent }, // we never scale in
  { id: "within-servers-limit", check: ({ choice }) => choice.withinServersLimit }, // the operator's ceiling
  { id: "cooldown-over", check: cooldownOver }, // the last purchase needs time to take effect
  { id: "action-rate", check: actionRate }, // limits mistakes that no other rule foresees
  { id: "efficacy", check: efficacy }, // purchases that did not help will not help now
  { id: "offer-available", check: ({ choice }) => choice.offerAvailable }, // a sold-out flavor must be found before the order
  { id: "price-known", check: priceKnown }, // an unknown price fits no budget
  { id: "within-budget", check: withinBudget }, // caps the bill
  { id: "plan-as-shown", check: planAsShown }, // only the plan that was shown may be bought
  { id: "approved", check: approved }, // above a price, people must approve
]

/**
 * Decision for this situation, with its reasons. A pure function, and the only place that decides "scale-up".
 * Every gate must pass; one that was not evaluated (`passed: null`) has not passed. On a hold, `heldBy` is null
 * only if inputs are still to be read. A run decides several times, so `explain` adds the hints only once.
 */
export function decide(situation: Situation, digest: Digest): Decision {
  return consider(situation, digest).decision
}

/** A decision, and the facts of its gates. With them, hints and plan need no second evaluation of the evidence. */
export interface Considered {
  decision: Decision
  facts: GateFacts
}

/** `decide`, with the facts of its gates. */
export function consider(situation: Situation, digest: Digest): Considered {
  const choice = chooseRung(situation)
  const target = choice.target && withCause(situation, { target: choice.target, rules: choice.rules }, digest)
  const facts = factsOf(situation, choice, digest)
  const findings = GATES.map((gate) => findingOf(gate.id, gate.check(facts)))
  const allPassed = findings.every((finding) => finding.passed === true)
  const heldBy = findings.find((finding) => finding.passed === false)?.reason ?? null
  const decision: Decision = {
    kind: allPassed && target ? "scale-up" : "hold",
    heldBy,
    findings,
    target,
    // If clocks disagree, old points from before the load rose could look new and wrongly clear a latch.
    cleared: clocksAgree(situation) ? choice.cleared : [],
  }
  return { decision, facts }
}

/** Copies the members by name: `{ gate, ...verdict }` is ten times slower, and a decision has 20 findings. */
function findingOf(gate: string, { passed, reason, says, facts }: Verdict): Finding {
  return { gate, passed, reason, says, facts }
}

/**
 * The same decision with a hint at each failing gate: the change that would let it pass. For decisions that
 * are recorded or shown.
 */
export function explain({ decision, facts }: Considered): Decision {
  return { ...decision, findings: decision.findings.map((finding) => withHint(facts, finding)) }
}

/** `consider` and `explain` in one call, for a decision that is shown at once. */
export function decideAndExplain(situation: Situation, digest: Digest): Decision {
  return explain(consider(situation, digest))
}

function factsOf(situation: Situation, choice: Choice, digest: Digest): GateFacts {
  const { target } = choice
  let plan: ScaleUpPlan | null = null
  return {
    situation,
    choice,
    // The plan's hash is costly, and most decisions do not compare plans.
    planOf: () => (plan ??= target && planScaleUp(situation, target, digest)),
    cost: target && orderCost(situation.policy.ladder, target.from, target.to),
    digest,
  }
}

/**
 * The gates that read operator commands and approvals. These can change while a run reads; all other inputs change
 * only through the cloud and the chain.
 */
const GATES_BEFORE_SENDING: readonly string[] = ["not-paused", "no-hold", "plan-as-shown", "approved"]

/**
 * Last check between the opened attempt and its request: the first finding that forbids sending it, or null.
 * Any operator command active since the decision counts, even a pause that has ended by now. An approval must
 * not have expired meanwhile. Metrics are not evaluated again: the evidence of the decision still counts.
 */
export function whyNotSent(
  decided: Situation,
  { control, now }: FinalCheckInputs,
  digest: Digest,
): Finding | null {
  const choice = chooseRung(decided)
  const gates = GATES.filter(({ id }) => GATES_BEFORE_SENDING.includes(id))
  // The gates are checked at two instants, the decision and now, both with the plan of the decision.
  const decidedFacts = factsOf(decided, choice, digest)
  const findings = [decided.now, now].flatMap((at) => {
    const facts = { ...decidedFacts, situation: { ...decided, control, now: at } }
    return gates.map((gate) => findingOf(gate.id, gate.check(facts)))
  })
  return findings.find(({ passed }) => passed !== true) ?? null
}

/** Inputs that are read again right before the request is sent. */
export interface FinalCheckInputs {
  control: Fetched<Control>
  now: number
}
