let explain: (() => string | null) | null = null

/** Takes from the loader of this bundle why its code cache is not used; `problem` returns null if it is used. */
export function explainStart(problem: () => string | null): void {
  explain = problem
}

/** Why this start was slower than it could be, for the log; null if it was not, and from the second call on. */
export function takeStartProblem(): string | null {
  const problem = explain?.() ?? null
  explain = null
  return problem === null
    ? null
    : `${problem}. Decisions are the same, but starts are slower. To fix this, package the function again, with CODE_CACHE_NODE and CODE_CACHE_NODE_OPTIONS for the Node.js that runs it`
}
