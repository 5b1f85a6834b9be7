import type { Decision } from "../decision/decision.ts"
import { type Hint, wait } from "../decision/explain/change.ts"
import { PRECONDITION_HINTS } from "../decision/explain/hints.ts"
import { type LedgerProblem, whyUntrusted, whyUnusable } from "../decision/gates/ledger.ts"
import { confirmedTime } from "../decision/inputs/clock.ts"
import type { Fetched } from "../decision/inputs/fetched.ts"
import type { Situation } from "../decision/situation.ts"
import type { Control } from "../decision/state/control.ts"
import type { LedgerAge } from "../decision/state/ledger-identity.ts"
import { holdFor } from "./hold-for.ts"
import type { RunTask } from "./task.ts"

/** Holds the decision if the ledger cannot be trusted with a purchase. Not in observe mode, which buys nothing anyway. */
export function heldUntrusted(task: RunTask, situation: Situation, decision: Decision): Decision {
  if (task.mode === "observe") return decision
  const problem = whyNotTrusted(task, { situation, decision })
  if (!problem) return decision
  const held = heldBecause(decision, problem)
  // If a gate already holds the decision, its reason stays the first one.
  return { ...held, heldBy: decision.heldBy ?? held.heldBy }
}

interface UntrustedCheck {
  situation: Situation
  decision: Decision
}

function whyNotTrusted(task: RunTask, { situation, decision }: UntrustedCheck): LedgerProblem | null {
  const { control, policy, now } = situation
  const unusable = whyUnusable(control, task.loaded.ledgerId ?? null)
  if (unusable?.reason === "ledger-other") return unusable
  if (decision.heldBy === null) return whyUntrusted({ control, supernodeId: policy.id, ...ageIn(situation) })
  // A run that holds anyway may not have read the cloud, so our own clocks give the ledger's age.
  const madeAt = control.state === "read" ? (control.value.ledger?.at ?? null) : null
  const shown = { firstConfirmedAt: madeAt, confirmed: confirmedNow(situation) ?? now }
  return whyUntrusted({ control, supernodeId: policy.id, ...shown })
}

function ageIn(situation: Situation): LedgerAge {
  return { firstConfirmedAt: situation.ledgerConfirmedAt ?? null, confirmed: confirmedNow(situation) }
}

/** The earlier of our time and the cloud's; null unless the two clocks agree. */
export function confirmedNow(situation: Situation): number | null {
  const confirmed = confirmedTime(situation)
  return confirmed === null ? null : Math.min(confirmed, situation.now)
}

/** Reason not to send the request: a problem of the ledger, checked right before sending. Null if there is none. */
export function whyNotOnThisLedger(decided: Situation, control: Fetched<Control>): LedgerProblem | null {
  const before = decided.control.state === "read" ? decided.control.value.ledger?.id : undefined
  const supernodeId = decided.policy.id
  return whyUnusable(control, before ?? null) ?? whyUntrusted({ control, supernodeId, ...ageIn(decided) })
}

/** The hint for a problem: the time to wait, if only time is missing. */
export function ledgerHint({ reason, facts }: LedgerProblem): Hint | null {
  const { until } = facts
  if (typeof until === "number") return wait("the 45 minutes of a new ledger end", until)
  return PRECONDITION_HINTS[reason] ?? null
}

export function heldBecause(decision: Decision, problem: LedgerProblem): Decision {
  const { says, facts } = problem
  const nearest = ledgerHint(problem)
  return holdFor(decision, problem.reason, says, { ...facts, ...(nearest ? { nearest } : {}) })
}
