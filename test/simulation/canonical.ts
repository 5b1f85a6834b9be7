/**
 * RFC 8785 as the package `canonicalize` does it, but a large object is spelled out once only: nothing here changes an
 * object that it has hashed. The same seed gives the same hashes with either, and a test sees to that.
 */
export default function canonicalize(value: unknown): string | undefined {
  return value === undefined ? undefined : textOf(value)
}

const texts = new WeakMap<object, string>()

function textOf(value: unknown): string {
  if (value === null) return "null"
  if (typeof value !== "object") return leafText(value)
  const known = texts.get(value)
  if (known !== undefined) return known
  const text = Array.isArray(value) ? arrayText(value) : objectText(value)
  // Small ones are spelled out faster than they are remembered.
  if (text.length > 800) texts.set(value, text)
  return text
}

/** Printable ASCII but the quote and the backslash: nothing there is written otherwise in JSON. */
const PLAIN = /^[ !#-[\]-~]*$/

function leafText(value: unknown): string {
  if (typeof value === "string") return PLAIN.test(value) ? `"${value}"` : JSON.stringify(value)
  if (typeof value === "number" && !Number.isFinite(value))
    throw new Error("NaN and Infinity have no JSON form")
  return JSON.stringify(value)
}

const keys = new Map<string, string>()

function quoted(key: string): string {
  const known = keys.get(key)
  if (known !== undefined) return known
  const text = JSON.stringify(key)
  if (keys.size < 10_000) keys.set(key, text)
  return text
}

function arrayText(value: unknown[]): string {
  let text = ""
  for (const item of value) text += `${text === "" ? "" : ","}${textOf(item ?? null)}`
  return `[${text}]`
}

function objectText(value: object): string {
  let text = ""
  for (const key of sortedKeys(value)) {
    const item = (value as Record<string, unknown>)[key]
    if (item !== undefined) text += `${text === "" ? "" : ","}${quoted(key)}:${textOf(item)}`
  }
  return `{${text}}`
}

/** What comes out of the ledger is sorted already. */
function sortedKeys(value: object): string[] {
  const names = Object.keys(value)
  return names.every((name, i) => i === 0 || (names[i - 1] ?? "") < name) ? names : names.sort()
}
