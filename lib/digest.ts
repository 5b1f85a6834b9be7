import { hash } from "node:crypto"
import canonicalize from "canonicalize"

/** RFC 8785 canonical JSON: one value, one text, whatever the order of its keys. Throws on what JSON cannot say. */
export function canonicalText(value: unknown): string {
  const text = canonicalize(value)
  if (text === undefined) throw new TypeError("a value without a JSON form has no canonical text")
  return text
}

/** `sha256:` and the hex SHA-256 of the canonical JSON: how policies, plans and ledger entries are named. */
export function digest(value: unknown): string {
  return digestText(canonicalText(value))
}

/** The same over bytes or a text that is canonical already. */
export function digestText(text: string | Uint8Array): string {
  return `sha256:${hash("sha256", text, "hex")}`
}
