// Text of other systems and people. It is cleaned once, where it enters, so that every later output
// (terminal, log, message, ledger) shows one visible line of bounded length.

/** C0 and C1 controls, line and paragraph separators: they break lines and steer terminals. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]+/gu
/** Format characters, variation selectors, fillers and the Braille blank: they change or hide text and cannot be seen. */
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]+/gu
/** Half a surrogate pair: it is not a character, and other programs refuse it. */
const LONE_SURROGATE = /\p{Cs}/gu

/** Characters that are read for each one that may be kept; the rest of a longer text is dropped unread. */
const READ_PER_KEPT = 4

/**
 * Foreign text as one visible line of at most `maxChars` UTF-16 units. Consecutive control characters become one space,
 * invisible characters disappear, and an ellipsis marks a cut. The work is bounded by `maxChars`, whatever
 * the text's length.
 */
export function cleanText(text: string, maxChars: number): string {
  const head = text.slice(0, maxChars * READ_PER_KEPT)
  const clean = visible(head).trim()
  if (clean.length <= maxChars && head.length === text.length) return clean
  return `${wholeCharacters(clean.slice(0, maxChars - 1))}…`
}

/** The same without a limit, for text that was bounded before. */
export function visible(text: string): string {
  return text.replace(CONTROLS, " ").replace(INVISIBLE, "").replace(LONE_SURROGATE, "\ufffd")
}

/**
 * A JSON value with every text made visible, including names of fields. For printers of entries and results.
 */
export function visibleIn<T>(value: T): T {
  return visibleValue(value) as T
}

function visibleValue(value: unknown): unknown {
  if (typeof value === "string") return visible(value)
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map(visibleValue)
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [visible(name), visibleValue(inner)]),
  )
}

/** True if `visible` would not change this text. */
export function isVisible(text: string): boolean {
  return visible(text) === text
}

/** JSON text with every invisible character as `\uXXXX`: the same value, harmless on a terminal. */
export function visibleJson(json: string): string {
  return json.replace(
    /[\u007f-\u009f\p{Zl}\p{Zp}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/gu,
    (character) =>
      Array.from(
        { length: character.length },
        (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`,
      ).join(""),
  )
}

function wholeCharacters(text: string): string {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text
}
