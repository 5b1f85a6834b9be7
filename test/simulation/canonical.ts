/**
 * RFC 8785 as the package `canonicalize` does it, but each object is spelled out once only: nothing here changes an
 * object that it has hashed. The same seed gives the same hashes with either, and a test sees to that.
 */
export default function canonicalize(value: unknown): string | undefined {
  return value === undefined ? undefined : textOf(value)
}

const texts = new WeakMap<object, string>()

function textOf(value: unknown): string {
  if (value === null || typeof value !== "object") return leafText(value)
  const known = texts.get(value)
  if (known !== undefined) return known
  const text = Array.isArray(value)
    ? `[${value.map((item) => textOf(item ?? null)).join(",")}]`
    : objectText(value)
  // Small ones are spelled out faster than they are remembered.
  if (text.length > 800) texts.set(value, text)
  return text
}

function leafText(value: unknown): string {
  if (value === null) return "null"
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

function objectText(value: object): string {
  let text = ""
  for (const key of Object.keys(value).sort()) {
    const item = (value as Record<string, unknown>)[key]
    if (item !== undefined) text += `${text === "" ? "" : ","}${quoted(key)}:${textOf(item)}`
  }
  return `{${text}}`
}
