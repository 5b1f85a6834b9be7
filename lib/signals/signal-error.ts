const MAX_PROBLEM_CHARS = 300
const MAX_SAID = 20

/** An event that cannot be taken as a signal. Nothing was done; `problems` says all that is wrong with it. */
export class SignalError extends Error {
  override readonly name = "SignalError"
  readonly problems: string[]

  constructor(problems: string | readonly string[], options?: ErrorOptions) {
    const all = (typeof problems === "string" ? [problems] : problems).map(cut)
    const said = all.slice(0, MAX_SAID).join("; ")
    super(all.length > MAX_SAID ? `${said}; and ${all.length - MAX_SAID} more` : said, options)
    this.problems = all
  }
}

/** Foreign text may be in a problem, but never megabytes of it. */
function cut(problem: string): string {
  return problem.length > MAX_PROBLEM_CHARS ? `${problem.slice(0, MAX_PROBLEM_CHARS)}…` : problem
}
