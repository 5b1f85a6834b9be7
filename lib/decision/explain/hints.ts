import type { Finding } from "../decision.ts"
import type { GateFacts } from "../gates/gate.ts"
import type { Hint } from "./change.ts"
import { keysAccepted, readable, supernodeIsReady } from "./cloud.ts"
import { moreEvidence } from "./evidence.ts"
import type { HintInputs, HintMaker } from "./hint-maker.ts"
import { cooledDown, helpedAfterAll, nothingInFlight, released, unpaused } from "./in-flight.ts"
import { limitRaised, offered, rungAbove, rungAdded } from "./ladder.ts"
import { budgetAllows, pricesKnown, rateAllows } from "./money.ts"
import { operatorCommand } from "./operator-command.ts"
import { approvedByMore, shownAgain } from "./people.ts"
import { clockAgreesAgain, comesInReach, inAlarm, newerSignal, readableTime } from "./signals.ts"

/** Hints by the reason of a failed gate: the cheapest and soonest change after which the gate would pass. */
export const HINTS: Readonly<Record<string, HintMaker>> = {
  "signal-invalid": readableTime,
  "not-alarm": inAlarm,
  "clock-behind-ledger": clockAgreesAgain,
  "clock-skewed": clockAgreesAgain,
  "control-unreadable": () => readable("control"),
  paused: unpaused,
  stale: newerSignal,
  "from-the-future": comesInReach,
  held: released,
  "in-flight": nothingInFlight,
  "outcome-unknown": nothingInFlight,
  stuck: nothingInFlight,
  partial: nothingInFlight,
  wrong: nothingInFlight,
  breaker: nothingInFlight,
  backoff: nothingInFlight,
  credentials: withKeys,
  "supernode-unreadable": supernodeIsReady,
  "supernode-not-ready": supernodeIsReady,
  "rung-unknown": rungAdded,
  "not-breaching": moreEvidence,
  "missing-data": moreEvidence,
  latched: moreEvidence,
  "already-there": rungAbove,
  "at-limit": limitRaised,
  cooldown: cooledDown,
  "action-rate": rateAllows,
  efficacy: helpedAfterAll,
  "not-offered": offered,
  "sold-out": offered,
  "flavor-blocked": offered,
  "offers-unreadable": offered,
  "price-unknown": pricesKnown,
  "over-budget": budgetAllows,
  "plan-changed": shownAgain,
  "approval-needed": approvedByMore,
}

/** Hint after the keys for a gate's data source were refused. */
function withKeys(inputs: HintInputs): Hint | null {
  switch (inputs.finding.gate) {
    case "supernode-ready":
      return keysAccepted("supernode")
    case "evidence":
      return moreEvidence(inputs)
    case "offer-available":
      return offered(inputs)
    default:
      // No other gate reads anything with keys.
      return null
  }
}

/** Hints for reasons outside the gates, which have no situation. */
export const PRECONDITION_HINTS: Readonly<Record<string, Hint>> = {
  overtaken: {
    says: "wait for the next signal: other runs wrote to the ledger at the same time",
    change: { kind: "signal", what: "next" },
  },
  "no-time": {
    says: "raise the function's time limit",
    change: { kind: "settings", what: "time-limit" },
  },
  "ledger-new": {
    says: `use the ledger that contains the past purchases: check SUPERNODE_LEDGER and --ledger. To begin a new ledger, run: ${operatorCommand.ledgerInit}. Live runs then wait 45 minutes. If no order is in flight, --nothing-in-flight ends that wait`,
    change: { kind: "person", verb: "ledger-init" },
  },
  "ledger-other": {
    says: `use the ledger that the policy names: set SUPERNODE_LEDGER or --ledger, or correct ledger_id (${operatorCommand.ledgerShow} prints the id)`,
    change: { kind: "settings", what: "ledger" },
  },
  "ledger-behind": {
    says: `put the newer ledger back; if a backup was restored on purpose, run: ${operatorCommand.ledgerRestored}`,
    change: { kind: "person", verb: "ledger-restored" },
  },
  "ledger-restored": {
    says: `compare the ledger with the cloud, then run: ${operatorCommand.ledgerConfirm("NAME")}`,
    change: { kind: "person", verb: "ledger-confirm" },
  },
}

/** The finding, with its hint in `facts.nearest` if its gate failed and a hint exists. */
export function withHint(facts: GateFacts, finding: Finding): Finding {
  if (finding.passed !== false || finding.reason === null) return finding
  const { situation, choice, planOf, cost, digest } = facts
  const hint = HINTS[finding.reason]?.({ situation, choice, planOf, cost, digest, finding }) ?? null
  if (hint === null) return finding
  // A spread with one more member makes a new hidden class in each call, which costs more than the hint.
  return { ...finding, facts: Object.assign({}, finding.facts, { nearest: hint }) }
}

/**
 * Text of the hint that `withHint` added; `null` if there is none. The finding may come from a ledger, so its
 * facts are unchecked.
 */
export function hintOf({ passed, facts }: Finding): string | null {
  const hint: unknown = facts["nearest"]
  if (passed !== false || typeof hint !== "object" || hint === null || !("says" in hint)) return null
  return typeof hint.says === "string" ? hint.says : null
}
