import { isDeepStrictEqual } from "node:util"
import { counted } from "../../../lib/decision/policy/amounts.ts"

/** One key of a policy whose value differs. `before` or `after` is `undefined` if the key is absent. */
export interface Change {
  /** Path of keys and names as in `validate --json`, such as `rules.npu-busy.compare.value`. */
  path: string
  before: unknown
  after: unknown
}

/**
 * Differences between two values, in the order of the keys. List entries are compared by name, rungs by their
 * number of servers, and all others by position.
 */
export function changesOf(before: unknown, after: unknown, path = ""): Change[] {
  if (isDeepStrictEqual(before, after)) return []
  const [one, other] = [partsOf(before), partsOf(after)]
  if (!one || !other) return [{ path, before, after }]
  const keys = [...new Set([...one.keys(), ...other.keys()])]
  return keys.flatMap((key) => changesOf(one.get(key), other.get(key), path === "" ? key : `${path}.${key}`))
}

/** Parts of an object or a list by key; `null` for any other value. */
function partsOf(value: unknown): Map<string, unknown> | null {
  if (typeof value !== "object" || value === null) return null
  if (!Array.isArray(value)) return new Map(Object.entries(value))
  const names = value.map(nameOf)
  const isNamed = names.every((name) => name !== null) && new Set(names).size === names.length
  return new Map(value.map((part, i) => [isNamed ? String(names[i]) : String(i), part]))
}

function nameOf(part: unknown): string | null {
  if (typeof part !== "object" || part === null) return null
  if ("name" in part && typeof part.name === "string") return part.name
  return "servers" in part && typeof part.servers === "number" ? counted(part.servers, "server") : null
}
