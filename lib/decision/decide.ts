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
import { type Digest, planScaleUp } from "./plan.ts"
import type { Situation } from "./situation.ts"
import type { Control } from "./state/control.ts"

/** The gates in their order, one line and one reason each. All are recorded, so that "why not" lists everything. */
export const GATES: readonly Gate[] = [
  { id: "signal-valid", check: signalValid }, // OK and insufficient data never buy
  { id: "signal-is-new", check: signalIsNew }, // every event may be delivered twice
  { id: "clock-agrees", check: clockAgrees }, // all that follows compares times
  { id: "not-paused", check: notPaused }, // a person's word beats all evidence
  { id: "signal-is-fresh", check: signalIsFresh }, // a late event tells of a load that may be gone
  { id: "no-hold", check: noHold }, // somebody asked for quiet
  { id: "no-attempt-in-flight", check: noAttemptInFlight }, // never buy twice
  { id: "supernode-ready", check: supernodeReady }, // the API refuses anything else, or worse: does not
  { id: "rung-known", check: ({ choice }) => choice.rungKnown }, // from an unknown place every step is a guess
  { id: "evidence", check: ({ choice }) => choice.evidence }, // an alarm wakes, evidence decides
  { id: "rung-above-current", check: ({ choice }) => choice.aboveCurrent }, // we never scale in
  { id: "within-servers-limit", check: ({ choice }) => choice.withinServersLimit }, // the operator's ceiling
  { id: "cooldown-over", check: cooldownOver }, // what was bought must first be able to help
  { id: "action-rate", check: actionRate }, // a bound on mistakes that nobody thought of
  { id: "efficacy", check: efficacy }, // what did not help will not help
  { id: "offer-available", check: ({ choice }) => choice.offerAvailable }, // sold out is cheaper to know before
  { id: "price-known", check: priceKnown }, // an unknown price fits no budget
  { id: "within-budget", check: withinBudget }, // the bill
  { id: "plan-as-shown", check: planAsShown }, // what was shown is what is bought
  { id: "approved", check: approved }, // above a price people decide
]

/**
 * What to do in this situation and why: a pure function, and the only place that says "scale-up". It buys only if every
 * gate passed; a gate that could not be evaluated (`passed: null`) never buys. `heldBy` is null on a hold only while
 * facts are missing that have not been read yet. Hints are added by `explain`, since a run decides several times.
 */
export function decide(situation: Situation, digest: Digest): Decision {
  const choice = chooseRung(situation)
  const target = choice.target && withCause(situation, choice.target, digest)
  const facts = factsOf(situation, choice, digest)
  const findings = GATES.map((gate): Finding => ({ gate: gate.id, ...gate.check(facts) }))
  const allPassed = findings.every((finding) => finding.passed === true)
  const heldBy = findings.find((finding) => finding.passed === false)?.reason ?? null
  return {
    kind: allPassed && target ? "scale-up" : "hold",
    heldBy,
    findings,
    target,
    // By a clock that others contradict, points from before the load rose could lift a latch.
    cleared: clocksAgree(situation) ? choice.cleared : [],
  }
}

/** The decision about this situation, and with each failing gate the hint that would let it pass. For what is recorded or shown. */
export function explain(situation: Situation, decision: Decision, digest: Digest): Decision {
  const facts = factsOf(situation, chooseRung(situation), digest)
  return { ...decision, findings: decision.findings.map((finding) => withHint(facts, finding)) }
}

/** `decide` and `explain` in one, for a decision that is shown at once. */
export function decideAndExplain(situation: Situation, digest: Digest): Decision {
  return explain(situation, decide(situation, digest), digest)
}

function factsOf(situation: Situation, choice: Choice, digest: Digest): GateFacts {
  const { target } = choice
  const plan = target && planScaleUp(situation, target, digest)
  return {
    situation,
    choice,
    plan,
    cost: target && orderCost(situation.policy.ladder, target.from, target.to),
    digest,
  }
}

/** What people say and take back while a run looks; everything else only the cloud and the chain can change. */
const LAST_GATES: readonly string[] = ["not-paused", "no-hold", "plan-as-shown", "approved"]

/**
 * The last look, between the opened attempt and its request: the first thing that speaks against sending it after all, or
 * null. A word in force at any moment since the decision counts: a pause that is over by now was still said in time, and
 * an approval must not have expired meanwhile. The evidence is the decision's; periods that ended since are not judged.
 */
export function whyNotSent(decided: Situation, { control, now }: LastLook, digest: Digest): Finding | null {
  const choice = chooseRung(decided)
  const gates = GATES.filter(({ id }) => LAST_GATES.includes(id))
  const findings = [decided.now, now].flatMap((at) => {
    const facts = { ...factsOf(decided, choice, digest), situation: { ...decided, control, now: at } }
    return gates.map((gate) => ({ gate: gate.id, ...gate.check(facts) }))
  })
  return findings.find(({ passed }) => passed !== true) ?? null
}

export interface LastLook {
  control: Fetched<Control>
  now: number
}
