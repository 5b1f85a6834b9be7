import { isRecord } from "../decision/policy/amounts.ts"
import type { Path } from "./path.ts"

/** A problem of a supernode after its defaults are merged in. Its position in the file is not known yet. */
export interface UnplacedProblem {
  path: Path
  message: string
}

/** Items of a list. An item that is not a mapping becomes an empty one, so that indices stay valid. */
export function records(list: unknown): Record<string, unknown>[] {
  return Array.isArray(list) ? list.map((item: unknown) => (isRecord(item) ? item : {})) : []
}
