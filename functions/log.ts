import type { Logger } from "@aws-lambda-powertools/logger"
import type { Handled } from "../lib/app/app.ts"
import { hintOf, saysUnusable } from "../lib/app/start.ts"

type Result = Handled["results"][number]

/**
 * Logs one line per run, warning and problem. The fields are listed by name, so that nothing else reaches the
 * log.
 */
export function logHandled(logger: Logger, { results, warnings, problems, http }: Handled): void {
  for (const result of results) logResult(logger, result)
  for (const warning of warnings) logger.warn(warning)
  for (const problem of problems) logger.warn(problem)
  const isRefused = http !== null && http.status >= 400
  if (isRefused && warnings.length + problems.length === 0) {
    logger.warn(`answered ${http.status}`, { status: http.status })
  }
}

/** Logs the line of one run. */
export function logResult(logger: Logger, result: Result): void {
  const level = isLedgerFault(result) ? "error" : "info"
  logger[level](titleOf(result), lineOf(result))
}

/**
 * True if the ledger is missing, is another one, or was rolled back: then nothing runs until an operator
 * repairs it.
 */
export function isLedgerFault({ decision }: Result): boolean {
  return decision.findings.some(saysUnusable)
}

/**
 * Title of a run's line: `train-a: hold (cooldown)`, `train-a: scale-up, accepted`, `train-a: scale-up
 * (observed only)`.
 */
export function titleOf({ supernode, mode, decision, outcome }: Result): string {
  const observed = mode === "observe" && decision.kind === "scale-up" ? " (observed only)" : ""
  const end = decision.heldBy === null ? observed : ` (${decision.heldBy})`
  return `${supernode}: ${decision.kind}${end}${outcome ? `, ${outcome.kind}` : ""}`
}

/** Fields of a run's line. */
export function lineOf({
  supernode,
  mode,
  observed,
  decision,
  outcome,
  entry,
}: Result): Record<string, unknown> {
  const first = decision.findings.find((finding) => finding.passed === false)
  return {
    supernode,
    mode,
    observed,
    kind: decision.kind,
    heldBy: decision.heldBy,
    says: first?.says,
    wouldPassIf: (first && hintOf(first)) ?? undefined,
    outcome: outcome?.kind,
    orderId: outcome?.kind === "accepted" ? outcome.orderId : undefined,
    entry: entry && { stream: entry.stream, seq: entry.seq, hash: entry.hash },
  }
}

/** Logs an error once, and only its texts: an SDK's error object carries requests with their headers. */
export function logError(logger: Logger, thrown: unknown): void {
  const error = thrown instanceof Error ? thrown : new TypeError("a value that is not an Error was thrown")
  const problems = problemsOf(error)
  logger.error(error.message, {
    errorName: error.name,
    problems,
    cause: error.cause instanceof Error ? error.cause.message : undefined,
    // Errors that list problems are ours and name the place; all others need their stack.
    stack: problems === undefined ? error.stack : undefined,
  })
}

/** All problems of an error. An `AggregateError` holds the errors of all runs of one event. */
function problemsOf(error: Error): unknown[] | undefined {
  const errors = error instanceof AggregateError ? error.errors : [error]
  const problems = errors.flatMap((one: unknown) => {
    return one instanceof Error && "problems" in one && Array.isArray(one.problems) ? one.problems : []
  })
  return problems.length > 0 ? problems : undefined
}
