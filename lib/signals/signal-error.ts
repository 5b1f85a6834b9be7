import { cleanText } from "../decision/inputs/foreign-text.ts"

const MAX_PROBLEM_CHARS = 300
const MAX_SHOWN = 20

/** An event cannot be read as a signal. No action was taken. `problems` lists all its problems, cleaned. */
export class SignalError extends Error {
  override readonly name = "SignalError"
  readonly problems: string[]

  /** `hint` is appended to each problem. It is our own text, so it is never cut. */
  constructor(problems: string | readonly string[], options: ErrorOptions & { hint?: string } = {}) {
    const { hint } = options
    const all = (typeof problems === "string" ? [problems] : problems)
      .map((problem) => cleanText(problem, MAX_PROBLEM_CHARS))
      .map((problem) => (hint === undefined ? problem : `${problem}; ${hint}`))
    const text = all.slice(0, MAX_SHOWN).join("; ")
    super(all.length > MAX_SHOWN ? `${text}; and ${all.length - MAX_SHOWN} more` : text, options)
    this.problems = all
  }
}
