import { describe, expect, it } from "vitest"
import { distinctPeople, personKey } from "../../../lib/decision/state/approver.ts"

describe("the identity of approvers", () => {
  it.each([
    ["whatever their case", "Ann", "ANN"],
    ["whatever their case, where it changes the number of letters", "Strauß", "STRAUSS"],
    ["with any characters around them", "Ann", "\tann "],
    ["with any blank between them", "Ann Lee", "ann\u00a0 lee"],
    ["however a letter is composed", "Jos\u00e9", "Jose\u0301"],
    ["however wide a letter is", "Ann", "Ａｎｎ"],
    ["whatever invisible signs are in them", "Ann", "A\u200bnn\ufeff"],
    ["whatever fillers and selectors are in them", "Ann", "Ann\ufe0f\u3164\u034f\u17b5\u{e0100}"],
    ["with any blank of Braille at their end", "Ann", "Ann\u2800"],
  ])("treats two names as one person: %s", (_, one, other) => {
    expect(personKey(one)).toBe(personKey(other))
  })

  it.each([
    ["Ann", "Anne"],
    ["Ann Lee", "AnnLee"],
    ["Jose", "Jos\u00e9"],
    ["王伟", "王芳"],
  ])("treats two names as different people: %s and %s", (one, other) => {
    expect(personKey(one)).not.toBe(personKey(other))
  })

  it("keeps the first spelling of each person, and ignores a name without letters", () => {
    expect(distinctPeople(["Bob", "ann", "Ann ", " \u200b", "bob"])).toEqual(["Bob", "ann"])
  })
})
