import type { WarningId } from "../../decision/policy/warnings.ts"
import type { Path } from "../path.ts"

/** One warning about a supernode or a file, before it has a position. */
export interface LintFinding {
  id: WarningId
  /** Path as written in the file, relative to the supernode or to the whole file. */
  path: Path
  message: string
}
