import canonicalize from "canonicalize"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { canonicalText, isSameJson } from "../lib/digest.ts"

// The reference is the npm package `canonicalize`. It is older than this project and widely used.

const someJson = fc.jsonValue({ noUnicodeString: false, maxDepth: 5 })

describe("canonical text", () => {
  it("canonical text is that of the reference for every JSON value", () => {
    fc.assert(
      fc.property(someJson, (value) => {
        expect(canonicalText(value)).toBe(canonicalize(value))
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ["keys that look like array indexes, which JavaScript lists first", { b: 1, 10: 2, 9: 3, a: 4, "": 5 }],
    [
      "keys that differ beyond the basic plane, by UTF-16 code units",
      { "\u{1f600}": 1, "\ufb33": 2, "\r": 3 },
    ],
    ["keys and texts with quotes, controls and U+2028", { 'a"\\b': '\u2028\u0007\n"', "\u0000": "\u007f" }],
    ["numbers at the edges of a double", [1e21, 1e-7, -0, 5e-324, 2 ** 53, 0.1 + 0.2, 123456789012345680000]],
    ["members without a value, and holes of an array", { a: undefined, b: [undefined, null] }],
    [
      "dates and other values that say their JSON form",
      { at: new Date(0), by: { toJSON: () => ({ z: 1, a: 2 }) } },
    ],
    ["own keys named __proto__", JSON.parse('{"z":1,"__proto__":{"b":1,"a":2}}')],
    ["nothing in it", [{}, [], ""]],
  ])("canonical text is that of the reference for %s", (_name, value) => {
    expect(canonicalText(value)).toBe(canonicalize(value))
  })

  it.each([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    undefined,
    1n,
    () => 1,
    Symbol("s"),
    { deep: [{ value: Number.NaN }] },
  ])("canonical text throws on a value that JSON cannot hold: case %#", (value) => {
    expect(() => canonicalText(value)).toThrow(TypeError)
  })
})

describe("comparing two JSON values", () => {
  it("two JSON values are the same exactly if their canonical texts are the same", () => {
    fc.assert(
      fc.property(someJson, someJson, (one, other) => {
        expect(isSameJson(one, other)).toBe(canonicalText(one) === canonicalText(other))
        expect(isSameJson(one, JSON.parse(canonicalText(one)))).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ["an own member named __proto__ and none", JSON.parse('{"a":1,"__proto__":{}}'), { a: 1 }],
    ["an own member named like an inherited one and none", { a: 1, valueOf: null }, { a: 1 }],
    ["a list and an object with the same members", [1], { 0: 1 }],
    ["null and an empty object", null, {}],
  ])("comparing two JSON values distinguishes %s", (_name, one, other) => {
    expect([isSameJson(one, other), isSameJson(other, one)]).toEqual([false, false])
  })

  it("comparing two JSON values treats an undefined member as absent", () => {
    expect(isSameJson({ a: 1, b: undefined }, { a: 1 })).toBe(true)
    expect(isSameJson({ a: 1 }, { b: undefined, a: 1 })).toBe(true)
  })
})
