import type { Decision, Finding } from "../decision/decision.ts"
import { wait } from "../decision/explain/change.ts"
import { operatorCommand } from "../decision/explain/operator-command.ts"
import { type PolicyConflict, policyConflict } from "../decision/pacing/policy-conflict.ts"
import type { ScaleUpPlan } from "../decision/plan.ts"
import { approversWithKeys } from "../decision/policy/approver-keys.ts"
import type { RunMode, Situation } from "../decision/situation.ts"
import type { Outcome } from "../decision/state/outcome.ts"
import type { SupernodeState } from "../decision/state/state.ts"
import type { Ports } from "../ports.ts"
import { holdFor, preconditionFinding, withFinding } from "./hold-for.ts"
import { changesState, type DecidedEvent } from "./state-change.ts"
import { LEDGER_WRITE_MS, type RunTask } from "./task.ts"

// Checks of a run that no gate can make: room in the state, time left, whether to record a decision, whether to try a larger rung.

/**
 * Maximum size of a state with which a run may buy. With a bigger one, the entry of the outcome might not fit. Signals alone never
 * fill more than 16 KB; only many purchases, or attempts settled as absent, can reach this size.
 */
export const MAX_STANDING_BYTES = 96 * 1024
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** Time that a purchase needs once its connection is open: for the request with its response, and for one write. */
export function timeToBuy({ buyTimeoutMs }: RunTask): number {
  return buyTimeoutMs + LEDGER_WRITE_MS
}

/** Reasons in the state against a purchase, besides the gates. A dry run and `status` show them, too. */
export function stateFindings(situation: Situation): Finding[] {
  const conflict = policyConflict(situation)
  const isFull = bytesOf(situation.state) > MAX_STANDING_BYTES
  return [
    ...(conflict ? [conflictFinding(situation, conflict)] : []),
    ...(isFull
      ? [
          preconditionFinding(
            "standing-full",
            "the recorded state is so large that the outcome of a purchase might not fit into the ledger. Purchases resume when old purchases and settled attempts expire",
          ),
        ]
      : []),
  ]
}

const knownBytes = new WeakMap<SupernodeState, number>()

/**
 * Bytes of the state in an entry; the order of its keys does not matter. Cached by state, since states are immutable and most runs
 * have the same state as the run before.
 */
function bytesOf(state: SupernodeState): number {
  const known = knownBytes.get(state)
  if (known !== undefined) return known
  const bytes = Buffer.byteLength(JSON.stringify(state))
  knownBytes.set(state, bytes)
  return bytes
}

function conflictFinding(
  { policy }: Situation,
  { says, until, isConflict, hashes }: PolicyConflict,
): Finding {
  const command = operatorCommand.reset(policy.name)
  const ends = wait(
    isConflict ? "one policy file has been in use for 20 minutes" : "the wait for a new policy file ends",
    until,
  )
  const nearest = isConflict ? { ...ends, says: `${ends.says}, or run: ${command}` } : ends
  return preconditionFinding("policy-conflict", says, { nearest, hashes, until })
}

/** Reasons to hold outside the gates: those in the state, and for a purchase too little time in the function. */
export function withPreconditions(
  ports: Ports,
  task: RunTask,
  { situation, decision, mode }: ModeDecision,
): Decision {
  const held = stateFindings(situation).reduce(withFinding, decision)
  if (mode !== "live" || held.kind !== "scale-up") return held
  const neededMs = task.sendWithinMs + timeToBuy(task)
  if (ports.timeLeftMs() > neededMs) return held
  const says = `the function has ${Math.round(ports.timeLeftMs() / 1000)} s left, but a purchase may take ${neededMs / 1000} s`
  return holdFor(held, "no-time", says)
}

interface ModeDecision {
  situation: Situation
  decision: Decision
  mode: RunMode
}

interface DecisionToRecord {
  task: RunTask
  situation: Situation
  decision: Decision
  plan: ScaleUpPlan | null
  /** The fields of the entry from which the state would be folded. */
  event: DecidedEvent
}

/**
 * True if a decision that buys nothing is recorded. A person's request is always recorded. An alarm or a tick is recorded if the
 * decision differs from the last one, if the state changes, or after an hour (alarm) or a day (tick).
 */
export function isWorthNoting({ task, situation, decision, plan, event }: DecisionToRecord): boolean {
  const { state, now, supernode } = situation
  const { signal } = task
  if (signal.kind === "request") return true
  // If no rule uses the points of alarms, an OK can neither start nor stop anything.
  if (signal.kind === "alarm" && signal.state === "ok")
    return (
      situation.policy.rules.some(({ metric }) => metric.alarm !== undefined) && changesState(state, event)
    )
  if (changesState(state, event)) return true
  const last = state.lastDecision
  const maxAgeMs = Math.min(signal.kind === "tick" ? DAY_MS : HOUR_MS, signableMs(situation.policy, decision))
  if (!last || Math.abs(now - last.at) >= maxAgeMs) return true
  if (last.kind !== decision.kind || last.heldBy !== decision.heldBy) return true
  // Without a read of the supernode no rung was chosen, so a missing rung is not a change.
  const isRead = supernode.state !== "not-read"
  return isRead && (last.to !== (decision.target?.to ?? null) || last.planHash !== (plan?.hash ?? null))
}

/** Maximum age of a hold that approvers sign. The text to sign expires, so the hold is recorded again after half of `approval.expires`. */
function signableMs({ approval, approvers }: Situation["policy"], { heldBy }: Decision): number {
  const isSignable = approval && heldBy === "approval-needed" && approversWithKeys(approvers).length > 0
  return isSignable ? approval.expires / 2 : Number.POSITIVE_INFINITY
}

/** True if an overtaken run records its hold. If thousands are overtaken in one minute, only the first one records it. */
export function isFirstOvertaken(
  { signal }: RunTask,
  { lastDecision }: SupernodeState,
  now: number,
): boolean {
  if (signal.kind === "request" || lastDecision?.heldBy !== "overtaken") return true
  return Math.abs(now - lastDecision.at) >= HOUR_MS
}

/** True if the run may try a larger rung: only after a capacity refusal, and never for a plan that a person saw or approved. */
export function mayTryLarger({ signal }: RunTask, { policy }: Situation, outcome: Outcome): boolean {
  return (
    outcome.kind === "rejected" &&
    outcome.class === "capacity" &&
    policy.soldOut === "next-larger" &&
    signal.kind !== "request" &&
    !policy.approval
  )
}
