import type { WarningId } from "../decision/policy/warnings.ts"

/** One problem or warning of a policy file. Lines and columns count from 1. */
export interface PolicyProblem {
  file: string
  line: number
  column: number
  /** Path in the file, as in `supernodes.0.order.image_id`; empty for the file as a whole. */
  path: string
  message: string
}

/** A setting that is allowed but will probably surprise. `silence` names it by its id. */
export interface PolicyWarning extends PolicyProblem {
  id: WarningId
}

/** A warning that the policy file silences, with its reason. */
export interface SilencedWarning extends PolicyWarning {
  reason: string
}

/** `problemLine` with id: `policy.yaml:9:5: supernodes.0.limits.budget: has no budget [no-budget]`. */
export function warningLine(warning: PolicyWarning): string {
  return `${problemLine(warning)} [${warning.id}]`
}

/** `policy.yaml:31:22: supernodes.0.order.data_volume.size: must be 100 to 32768 GB, not 50000`. */
export function problemLine({ file, line, column, path, message }: PolicyProblem): string {
  return `${file}:${line}:${column}: ${path || "(file)"}: ${message}`
}

/** The policy cannot be used, so no purchase is made. Holds all problems together. */
export class PolicyError extends Error {
  override readonly name = "PolicyError"
  readonly problems: PolicyProblem[]

  constructor(problems: PolicyProblem[]) {
    super(problems.map(problemLine).join("\n"))
    this.problems = problems
  }
}

/** Each problem once, by file (`main` first), line and column. A wrong default recurs for each supernode. */
export function sortedProblems<P extends PolicyProblem>(problems: readonly P[], main: string): P[] {
  const once = new Map(
    problems.map((p) => [JSON.stringify([p.file, p.line, p.column, p.path, p.message]), p]),
  )
  const place = (file: string) => (file === main ? "" : file)
  return [...once.values()].sort((a, b) => {
    if (a.file !== b.file) return place(a.file) < place(b.file) ? -1 : 1
    return a.line - b.line || a.column - b.column
  })
}
