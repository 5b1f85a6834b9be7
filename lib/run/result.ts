import type { Decision } from "../decision/decision.ts"
import type { ScaleUpPlan } from "../decision/plan.ts"
import type { RunMode } from "../decision/situation.ts"
import type { Outcome, RawAnswer } from "../decision/state/outcome.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import type { PlannedDecision } from "./decide-and-plan.ts"
import { whyObserved } from "./mode.ts"
import type { RunTask } from "./task.ts"

/** An outcome without the cloud's raw response, which only the ledger's `settled` entry holds. */
export type ShownOutcome = Shown<Outcome>
type Shown<O> = O extends unknown ? Omit<O, "raw"> : never

/** One supernode's part of the result JSON that a handler returns. */
export interface RunResult {
  supernode: string
  mode: RunMode
  /** In mode `observe`: why nothing is bought. */
  observed?: string
  decision: Pick<Decision, "kind" | "heldBy" | "findings">
  /** Present if a target was chosen. */
  plan?: ScaleUpPlan
  /** Present only after a purchase was tried. */
  outcome?: ShownOutcome
  /** The written entry; null if this run had nothing new to write. Absent in a dry run, which writes nothing. */
  entry?: EntryRef | null
}

export interface EntryRef {
  stream: string
  seq: number
  hash: string
}

/** The result of a decision that bought nothing, with the entry that records it, if any. */
export function resultOfDecision(
  task: RunTask,
  { situation, decision, plan, mode }: PlannedDecision,
  entry: LedgerEntry | null = null,
): RunResult {
  const observed = whyObserved(task, situation)
  return resultOf({ supernode: situation.policy.name, mode, observed, decision, plan, outcome: null, entry })
}

export interface ResultParts {
  supernode: string
  mode: RunMode
  decision: Decision
  plan: ScaleUpPlan | null
  outcome: Outcome | null
  entry: LedgerEntry | null
  observed?: string | null
}

export function resultOf({
  supernode,
  mode,
  observed,
  decision,
  plan,
  outcome,
  entry,
}: ResultParts): RunResult {
  const { kind, heldBy, findings } = decision
  return {
    supernode,
    mode,
    ...(observed ? { observed } : {}),
    decision: { kind, heldBy, findings },
    ...(plan ? { plan } : {}),
    ...(outcome ? { outcome: withoutRaw(outcome) } : {}),
    ...(mode === "dry-run"
      ? {}
      : { entry: entry && { stream: entry.stream, seq: entry.seq, hash: entry.hash } }),
  }
}

function withoutRaw(outcome: ShownOutcome & { raw?: RawAnswer | null }): ShownOutcome {
  const { raw: _raw, ...shown } = outcome
  return shown
}
