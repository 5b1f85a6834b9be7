// A canonical text (RFC 8785) has exactly one form for its value, so that a second form of the same entry cannot exist. Making
// that text again for each entry costs more than parsing it; measuring its length finds every other form as well.

/**
 * True only for a text in canonical form. False says nothing: the runtime lists keys that look like array indexes first, so the
 * canonical text must be made to tell. `value` is the object that JSON.parse made of
 * `text`: no inherited keys, no cycles.
 */
export function isCanonicalText(text: string, value: unknown): boolean {
  const isPlain = !text.includes("\\") && !HAS_OTHER_SPELLING.test(text)
  if (isPlain && canonicalLength(value) === text.length) return true
  return JSON.stringify(value) === text && keysAreSorted(value)
}

/**
 * What can say the same in a text of at most the same length: an escape, a surrogate, a number with an exponent. Without them
 * white space, repeated keys and other spellings of a number only add to the length.
 */
const HAS_OTHER_SPELLING = /[\uD800-\uDFFF]|[:,[ \t\n\r]-?\d[\d.]*[eE][-+]?\d+[,}\] \t\n\r]/

/** Length of the canonical text of a value without escapes; NaN where the length is no proof, such as for keys out of order. */
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
    // The runtime lists such keys first, wherever the text has them.
    if (key.charCodeAt(0) <= NINE && ONLY_DIGITS.test(key)) return Number.NaN
    before = key
    // Two quotes, a colon, and a comma or the last brace.
    length += key.length + 4 + canonicalLength(value[key])
  }
  return before === null ? 2 : length
}

/** Up to this many characters no two spellings without an exponent are the same number. */
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

function keysAreSorted(value: unknown): boolean {
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
