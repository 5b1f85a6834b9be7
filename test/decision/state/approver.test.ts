import { describe, expect, it } from "vitest"
import { distinctPeople, personKey } from "../../../lib/decision/state/approver.ts"

describe("the identity of approvers", () => {
  it.each([
    ["whatever their case", "Ann", "ANN"],
    ["whatever their case, even if it changes the number of letters", "Strauß", "STRAUSS"],
    ["with any whitespace around them", "Ann", "\tann "],
    ["with any whitespace between their parts", "Ann Lee", "ann\u00a0 lee"],
    ["however a letter is composed", "Jos\u00e9", "Jose\u0301"],
    ["whatever the width of their letters", "Ann", "Ａｎｎ"],
    ["with any invisible characters in them", "Ann", "A\u200bnn\ufeff"],
    ["with any fillers and variation selectors in them", "Ann", "Ann\ufe0f\u3164\u034f\u17b5\u{e0100}"],
    ["with a Braille blank at the end", "Ann", "Ann\u2800"],
  ])("two names are the same person %s", (_, one, other) => {
    expect(personKey(one)).toBe(personKey(other))
  })

  it.each([
    ["Ann", "Anne"],
    ["Ann Lee", "AnnLee"],
    ["Jose", "Jos\u00e9"],
    ["王伟", "王芳"],
  ])("two names are different people: %s and %s", (one, other) => {
    expect(personKey(one)).not.toBe(personKey(other))
  })

  it("of several spellings of a person's name, the first is kept, and a name without letters is ignored", () => {
    expect(distinctPeople(["Bob", "ann", "Ann ", " \u200b", "bob"])).toEqual(["Bob", "ann"])
  })
})
