import { isDeepStrictEqual } from "node:util"
import { counted } from "../../../lib/decision/policy/amounts.ts"

/** One key of a policy that differs; undefined: the key is not there. */
export interface Change {
  /** Keys and names as `validate --json` prints them: `rules.npu-busy.compare.value`. */
  path: string
  before: unknown
  after: unknown
}

/**
 * Differences of two values, in the order of the keys. Entries of a list are compared by name, rungs by servers, and all
 * others by position.
 */
export function changesOf(before: unknown, after: unknown, path = ""): Change[] {
  if (isDeepStrictEqual(before, after)) return []
  const [one, other] = [partsOf(before), partsOf(after)]
  if (!one || !other) return [{ path, before, after }]
  const keys = [...new Set([...one.keys(), ...other.keys()])]
  return keys.flatMap((key) => changesOf(one.get(key), other.get(key), path === "" ? key : `${path}.${key}`))
}

/** The parts of an object or a list by their keys; null for everything else. */
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
