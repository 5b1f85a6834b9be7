import { PolicyError, problemLine } from "../../lib/policy-file/load.ts"

/** The command was understood and cannot be done: an unknown supernode, nothing to settle. Says what to do instead. */
export class CommandError extends Error {
  override readonly name = "CommandError"
}

/** What went wrong, one line per problem, for people. */
export function linesOf(error: unknown): string[] {
  if (error instanceof AggregateError) return error.errors.flatMap(linesOf)
  if (error instanceof PolicyError) {
    const count = counted(error.problems.length, "problem")
    return [...error.problems.map(problemLine), `error: the policy has ${count}; nothing was done`]
  }
  if (error instanceof Error && "problems" in error && Array.isArray(error.problems)) {
    return error.problems.map((problem) => `error: ${String(problem)}`)
  }
  return [`error: ${error instanceof Error ? error.message : String(error)}`]
}

export function stackOf(error: unknown): string | null {
  return error instanceof Error ? (error.stack ?? null) : null
}

/** `1 problem`, `2 problems`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`
}
