// Default import: an older Node.js has no `hash`, so a named import would fail before the version check runs.
import crypto from "node:crypto"

/** RFC 8785 canonical JSON, independent of key order. Throws TypeError for a value without JSON form. */
export function canonicalText(value: unknown): string {
  if (typeof value === "string") return textOf(value)
  // JSON writes finite numbers and booleans as JavaScript does.
  if (typeof value === "number" && Number.isFinite(value)) return `${value}`
  if (typeof value === "boolean" || value === null) return `${value}`
  if (typeof value === "object") return textOfObject(value)
  throw new TypeError(`a ${typeof value} without a JSON form has no canonical text`)
}

/** Printable ASCII without quotes and backslashes: the text that JSON does not escape. */
const PLAIN = /^[ !#-[\]-~]*$/

function textOf(value: string): string {
  return PLAIN.test(value) ? `"${value}"` : JSON.stringify(value)
}

function textOfObject(value: object): string {
  if ("toJSON" in value && typeof value.toJSON === "function") return canonicalText(value.toJSON())
  if (Array.isArray(value)) return textOfList(value)
  return `{${canonicalMembers(value, sortedKeys(value))}}`
}

/** Names of the members, in the order of the canonical text. Most objects list them so already. */
export function sortedKeys(value: object): string[] {
  const keys = Object.keys(value)
  let before = ""
  for (const key of keys) {
    if (before > key) return keys.sort()
    before = key
  }
  return keys
}

/** Canonical text of the members named by `keys`, in that order, without braces and undefined members. */
export function canonicalMembers(value: object, keys: readonly string[]): string {
  let members = ""
  for (const key of keys) {
    const member = (value as Record<string, unknown>)[key]
    if (member === undefined) continue
    members += `${members === "" ? "" : ","}${textOfKey(key)}${canonicalText(member)}`
  }
  return members
}

function textOfList(list: readonly unknown[]): string {
  let items = ""
  for (const item of list)
    items += `${items === "" ? "" : ","}${item === undefined ? "null" : canonicalText(item)}`
  return `[${items}]`
}

/** Maximum number of cached keys. Bounds the cache, because some keys name servers or signals. */
const MAX_KNOWN_KEYS = 2_000
const knownKeys = new Map<string, string>()

function textOfKey(key: string): string {
  const known = knownKeys.get(key)
  if (known !== undefined) return known
  const text = `${JSON.stringify(key)}:`
  if (knownKeys.size < MAX_KNOWN_KEYS) knownKeys.set(key, text)
  return text
}

/**
 * True only if both values have the same canonical text. Does not build that text, since unchanged parts are
 * often the same object. For values without `toJSON`, such as states.
 */
export function isSameJson(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false
  if (Array.isArray(one) || Array.isArray(other))
    return (
      Array.isArray(one) &&
      Array.isArray(other) &&
      one.length === other.length &&
      one.every((item, i) => isSameJson(item, other[i]))
    )
  return (
    hasMembersOf(one as Record<string, unknown>, other as Record<string, unknown>) &&
    hasKeysOf(one, other as Record<string, unknown>)
  )
}

function hasKeysOf(one: object, other: Record<string, unknown>): boolean {
  for (const key of Object.keys(other)) if (!Object.hasOwn(one, key) && other[key] !== undefined) return false
  return true
}

/** True if `other` has an equal member for each of `one`. Undefined and inherited members count as absent. */
function hasMembersOf(one: Record<string, unknown>, other: Record<string, unknown>): boolean {
  for (const key of Object.keys(one)) {
    const member = Object.hasOwn(other, key) ? other[key] : undefined
    if (!isSameJson(one[key], member)) return false
  }
  return true
}

/** `sha256:` and the hex SHA-256 of the canonical JSON. Identifies policies, plans and ledger entries. */
export function digest(value: unknown): string {
  return digestText(canonicalText(value))
}

/** `sha256:` and the hex SHA-256 of bytes, or of a text that is already canonical. */
export function digestText(text: string | Uint8Array): string {
  return `sha256:${crypto.hash("sha256", text, "hex")}`
}
