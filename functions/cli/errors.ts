import { visible } from "../../lib/decision/inputs/foreign-text.ts"
import { counted } from "../../lib/decision/policy/amounts.ts"
import { PolicyError, problemLine } from "../../lib/policy-file/problem.ts"

/**
 * The command is valid, but it cannot be done: unknown supernode, nothing to settle. The message says what to
 * do instead.
 */
export class CommandError extends Error {
  override readonly name = "CommandError"
}

/** The problems of an error for people, one visible line each. */
export function linesOf(error: unknown): string[] {
  return problemLines(error).map(visible)
}

function problemLines(error: unknown): string[] {
  if (error instanceof AggregateError) return error.errors.flatMap(problemLines)
  if (error instanceof PolicyError) {
    const count = counted(error.problems.length, "problem")
    return [...error.problems.map(problemLine), `error: the policy has ${count}; nothing was done`]
  }
  if (error instanceof Error && "problems" in error && Array.isArray(error.problems)) {
    const problems = error.problems.map(String)
    // Compares names, since an import of the modules of these errors would load their schemas.
    const isOfFile = error.name === "LoadFileError" || error.name === "ScenarioError"
    return isOfFile
      ? [...problems, `error: ${error.message}`]
      : problems.map((problem) => `error: ${problem}`)
  }
  return [`error: ${error instanceof Error ? error.message : String(error)}`]
}

/** An error on stdout of a command with `--json`. */
export interface ErrorJson {
  error: {
    /** `usage`, `settings`, `policy`, `event`, `ledger`, `command`, `runs`, `load`, `scenario`; `internal` for a bug. */
    kind: string
    message: string
    /** All problems, one by one; those of a policy with their place. Empty if `message` says everything. */
    problems: unknown[]
  }
}

const KINDS: Readonly<Record<string, string>> = {
  SettingsError: "settings",
  PolicyError: "policy",
  SignalError: "event",
  LedgerError: "ledger",
  CommandError: "command",
  LoadFileError: "load",
  ScenarioError: "scenario",
  RunsFailed: "runs",
}

/** `given`: kind to use for an error that is not one of ours. */
export function errorJson(error: unknown, given = "internal"): ErrorJson {
  if (!(error instanceof Error)) return { error: { kind: given, message: String(error), problems: [] } }
  const kind = KINDS[error.name] ?? given
  const problems = "problems" in error && Array.isArray(error.problems) ? error.problems : []
  const message =
    error instanceof PolicyError
      ? `the policy has ${counted(problems.length, "problem")}; nothing was done`
      : error.message.replace(/^error: /, "")
  if (error instanceof AggregateError)
    return { error: { kind, message, problems: error.errors.flatMap((one) => linesOf(one)) } }
  return { error: { kind, message, problems } }
}

/** Cause of an error for people, such as `no such file`; other causes by their system code. */
export { causeOf } from "../../lib/policy-file/file-cause.ts"

export function stackOf(error: unknown): string | null {
  return error instanceof Error ? (error.stack ?? null) : null
}
