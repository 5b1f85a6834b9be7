import { isRecord } from "../decision/policy/units.ts"
import type { Path } from "./path.ts"

/** Something that is worth a word, and where it stands in the merged supernode. */
export interface Found {
  path: Path
  message: string
}

/** A list's items; indices are kept: what is no mapping counts as an empty one. */
export function records(list: unknown): Record<string, unknown>[] {
  return Array.isArray(list) ? list.map((item: unknown) => (isRecord(item) ? item : {})) : []
}
