import type { Decision } from "../decision/decision.ts"
import { whyUnusable } from "../decision/gates/ledger.ts"
import { LedgerBehindError } from "../ports.ts"
import type { Heads } from "./heads.ts"
import { holdFor } from "./hold-for.ts"
import { heldBecause } from "./ledger-trust.ts"
import type { FinishedRun } from "./notify.ts"
import { resultOf } from "./result.ts"
import type { RunTask } from "./task.ts"

// Results of runs that must not append anything to their ledger.

const NOTHING_DECIDED: Decision = { kind: "hold", heldBy: null, findings: [], target: null, cleared: [] }

/** The result of a run that must not append to its ledger; null if it may. A dry run decides as on an empty ledger. */
export function endUnusable(task: RunTask, { control }: Heads): FinishedRun | null {
  const problem = task.mode === "dry-run" ? null : whyUnusable(control, task.loaded.ledgerId ?? null)
  return problem && endWithoutWriting(task, heldBecause(NOTHING_DECIDED, problem))
}

/** The result for a ledger that was rolled back. Rethrows any other error. */
export function endRolledBack(task: RunTask, error: unknown): FinishedRun {
  if (!(error instanceof LedgerBehindError)) throw error
  return endWithoutWriting(task, holdFor(NOTHING_DECIDED, "ledger-behind", error.message))
}

function endWithoutWriting(task: RunTask, decision: Decision): FinishedRun {
  const { loaded, mode } = task
  const parts = { supernode: loaded.policy.name, mode, decision, plan: null, outcome: null, entry: null }
  return { result: resultOf(parts), tail: null }
}
