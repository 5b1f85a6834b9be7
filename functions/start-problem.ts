let explain: (() => string | null) | null = null

/** Called by the loader of this bundle. `problem` says why its code cache is not used, and what to do, or returns null. */
export function explainStart(problem: () => string | null): void {
  explain = problem
}

/** Why this start was slower than it could be, for the log; null if it was not. Only the first call tells. */
export function takeStartProblem(): string | null {
  const problem = explain?.() ?? null
  explain = null
  return problem === null ? null : `the start was slow: ${problem}. Decisions are the same`
}
