import * as fc from "fast-check"
import { expect, test } from "vitest"
import { canonicalText } from "../../lib/digest.ts"
import { isCanonicalText } from "../../lib/ledger/canonical-form.ts"
import { propertyRuns } from "../properties/runs.ts"

// Texts in another form than the canonical one, some of the same length.
const OTHER_FORMS: [why: string, text: string][] = [
  ["has white space", '{"a": 1}'],
  ["has white space and an exponent that keeps the length", '{"a": 1e3}'],
  ["writes an exponent", '{"a":1e2}'],
  ["writes an exponent in another form than the canonical one", '{"a":1E+21}'],
  ["writes a fraction as an exponent", '{"a":5e-2}'],
  ["writes zero with a sign", '{"a":-0}'],
  ["writes a number between two representable ones", '{"a":9007199254740993}'],
  ["writes other digits of the same fraction", '{"a":0.30000000000000005}'],
  ["has a key twice", '{"a":1,"a":1}'],
  ["has keys out of order", '{"b":1,"a":1}'],
  ["has a key that looks like an index out of order", '{"a":1,"1":1}'],
  ["has keys that look like indexes in the order of numbers", '{"9":1,"10":1}'],
  ["escapes what need not be escaped", '{"a":"\\u0041"}'],
  ["escapes with capital hex digits", '{"a":"\\u001F"}'],
  ["contains half a surrogate pair", '{"a":"\ud800"}'],
]

test.each(OTHER_FORMS)("a text that %s is not in canonical form", (_why, text) => {
  expect(isCanonicalText(text, JSON.parse(text))).toBe(false)
})

test("a text that differs from the canonical text of its value is never accepted as canonical", () => {
  const token = fc.constantFrom(
    ...["{", "}", '{"a":', ',"b":', '"1":', '"":', "[", "]", ",", " ", '"', "\\", "\\n", "\\u001f", "\\/"],
    ...["0", "1", "-", ".5", "00", "e1", "E2", "e-2", "null", "true", "\u2028", "\ud83d", "\ude00", "\n"],
  )
  const pieces = fc.array(token, { maxLength: 12 }).map((tokens) => tokens.join(""))
  // A valid text with one piece replaced is JSON more often than a random text.
  const changed = fc
    .tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.nat(4), token)
    .map(
      ([text, at, cut, piece]) =>
        text.slice(0, at % text.length) + piece + text.slice((at % text.length) + cut),
    )
  const sound = fc.jsonValue({ maxDepth: 3 }).map((value) => canonicalText(value))
  fc.assert(
    fc.property(fc.oneof(pieces, changed, sound), (member) => {
      const text = `{"m":${member}}`
      const value = parsed(text)
      if (value !== undefined && isCanonicalText(text, value)) expect(text).toBe(canonicalText(value))
    }),
    propertyRuns(500),
  )
})

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
