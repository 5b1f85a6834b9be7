// Not by name: an older Node.js has no `hash`, could not link this, and would not say which Node.js it needs.
import crypto from "node:crypto"

/** RFC 8785 canonical JSON: one value, one text, whatever the order of its keys. Throws on what JSON cannot say. */
export function canonicalText(value: unknown): string {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return JSON.stringify(value)
  if (typeof value === "object") return textOfObject(value)
  if (typeof value === "number" && Number.isFinite(value)) return JSON.stringify(value)
  throw new TypeError(`a ${typeof value} without a JSON form has no canonical text`)
}

function textOfObject(value: object): string {
  if ("toJSON" in value && typeof value.toJSON === "function") return canonicalText(value.toJSON())
  if (Array.isArray(value))
    return `[${value.map((item) => (item === undefined ? "null" : canonicalText(item))).join(",")}]`
  let members = ""
  for (const key of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[key]
    if (member === undefined) continue
    members += `${members === "" ? "" : ","}${textOfKey(key)}${canonicalText(member)}`
  }
  return `{${members}}`
}

/** Keys repeat in every entry of a ledger. The bound is for keys that name servers or signals. */
const MAX_KNOWN_KEYS = 2_000
const knownKeys = new Map<string, string>()

function textOfKey(key: string): string {
  const known = knownKeys.get(key)
  if (known !== undefined) return known
  const text = `${JSON.stringify(key)}:`
  if (knownKeys.size < MAX_KNOWN_KEYS) knownKeys.set(key, text)
  return text
}

/** `sha256:` and the hex SHA-256 of the canonical JSON: how policies, plans and ledger entries are named. */
export function digest(value: unknown): string {
  return digestText(canonicalText(value))
}

/** The same over bytes or a text that is canonical already. */
export function digestText(text: string | Uint8Array): string {
  return `sha256:${crypto.hash("sha256", text, "hex")}`
}
