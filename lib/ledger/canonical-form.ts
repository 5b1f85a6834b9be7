// RFC 8785 defines exactly one canonical text for each value, so the same entry cannot exist in two forms.
// Building that text again for each entry costs more than parsing it. Comparing lengths is cheaper, and also
// detects every other form.

/**
 * True only if `text` is in canonical form. False proves nothing: JavaScript lists keys that look like array
 * indexes first, so the caller must build the canonical text and compare it. `value` is the result of
 * JSON.parse for `text`, so it has no inherited keys and no cycles.
 */
export function isCanonicalText(text: string, value: unknown): boolean {
  const isPlain = !text.includes("\\") && !HAS_OTHER_SPELLING.test(text)
  if (isPlain && canonicalLength(value) === text.length) return true
  return JSON.stringify(value) === text && keysAreSorted(value)
}

/**
 * Surrogates and numbers with an exponent. Like escapes, which `isCanonicalText` checks separately, they can
 * spell the same value without a longer text. Without these three, any white space, repeated key or other
 * spelling of a number makes the text longer.
 */
const HAS_OTHER_SPELLING = /[\uD800-\uDFFF]|[:,[ \t\n\r]-?\d[\d.]*[eE][-+]?\d+[,}\] \t\n\r]/

/**
 * Length of the canonical text of a value without escapes. NaN if the length proves nothing, for example if
 * keys are out of order.
 */
function canonicalLength(value: unknown): number {
  if (typeof value === "string") return value.length + 2
  if (typeof value === "number") return numberLength(value)
  if (typeof value === "boolean") return value ? 4 : 5
  if (typeof value !== "object" || value === null) return 4
  if (!Array.isArray(value)) return membersLength(value as Record<string, unknown>)
  let length = value.length === 0 ? 2 : value.length + 1
  for (const item of value) length += canonicalLength(item)
  return length
}

const ONLY_DIGITS = /^\d+$/
const NINE = 0x39

function membersLength(value: Record<string, unknown>): number {
  let length = 1
  let before: string | null = null
  for (const key in value) {
    if (before !== null && before >= key) return Number.NaN
    // JavaScript lists such keys first, wherever they are in the text.
    if (key.charCodeAt(0) <= NINE && ONLY_DIGITS.test(key)) return Number.NaN
    before = key
    // Two quotes, a colon, and a comma or the closing brace.
    length += key.length + 4 + canonicalLength(value[key])
  }
  return before === null ? 2 : length
}

/** Up to this length, two spellings of equal length and without an exponent are different numbers. */
const MAX_EXACT_LENGTH = 15

function numberLength(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    const { length } = `${value}`
    return length <= MAX_EXACT_LENGTH ? length : Number.NaN
  }
  let length = 1
  for (let power = 10; value >= power; power *= 10) length += 1
  return length
}

/** True if each object in the value lists its keys in the order of its canonical text. */
export function keysAreSorted(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true
  if (Array.isArray(value)) return value.every(keysAreSorted)
  let before = ""
  for (const key in value) {
    if (before > key) return false
    before = key
    const member = (value as Record<string, unknown>)[key]
    if (typeof member === "object" && !keysAreSorted(member)) return false
  }
  return true
}
