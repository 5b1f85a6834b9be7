import { isRecord } from "../decision/policy/amounts.ts"
import type { Path } from "./path.ts"

/** A finding in the merged supernode, with its path. */
export interface Found {
  path: Path
  message: string
}

/** Items of a list. An item that is not a mapping becomes an empty one, so that indices stay valid. */
export function records(list: unknown): Record<string, unknown>[] {
  return Array.isArray(list) ? list.map((item: unknown) => (isRecord(item) ? item : {})) : []
}
