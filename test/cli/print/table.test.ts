import { describe, expect, it } from "vitest"
import { paintOf } from "../../../functions/cli/print/paint.ts"
import { tableOf } from "../../../functions/cli/print/table.ts"
import { widthOf } from "../../../functions/cli/print/width.ts"

const paint = paintOf(true)

describe("a table of the command line", () => {
  it("a printed table aligns its columns and ends no line with spaces", () => {
    const rows = [["a", "bb", "c"], ["aaa", "", ""], [["a", "aaaa"], "b", "c"], ["a"]]
    expect(tableOf(rows, { head: ["1", "22", "3"] })).toEqual([
      "1     22  3",
      "a     bb  c",
      "aaa",
      "a     b   c",
      "aaaa",
      "a",
    ])
  })

  it("a printed table wraps its last column between words, and neither breaks nor shortens a word", () => {
    const url = "https://example.com/a/path/that/is/longer/than/the/column"
    const text = `see ${url} for the  reason why it was not bought`
    expect(tableOf([["left", text]], { columns: 40 })).toEqual([
      "left  see",
      `      ${url}`,
      "      for the  reason why it was not",
      "      bought",
    ])
  })

  it("a printed table closes a colour at each break and opens it again on the next line", () => {
    const text = "it was not bought because the budget of this month is used up"
    const lines = tableOf([[paint.bold("train-a"), paint.yellow(text)]], { columns: 39 })
    expect(lines).toEqual([
      `${paint.bold("train-a")}  ${paint.yellow("it was not bought because the")}`,
      `         ${paint.yellow("budget of this month is used")}`,
      `         ${paint.yellow("up")}`,
    ])
  })

  it.each([
    ["plain text", 10],
    ["王伟", 4],
    ["カタカナ", 8],
    ["ｶﾀｶﾅ", 4],
    ["한국어", 6],
    ["ＡＢ（）", 8],
    ["Zoë", 3],
    ["e\u0301", 1],
    ["✓ ✗ · →", 7],
    ["👩‍🔧", 2],
    ["⚠️", 2],
    [paint.red("red"), 3],
  ])("a printed table counts the columns that a terminal uses for %s", (text, columns) => {
    expect(widthOf(text)).toBe(columns)
  })

  it("a printed table aligns cells after Chinese text", () => {
    expect(
      tableOf([
        ["王伟", "x"],
        ["ops", "x"],
      ]),
    ).toEqual(["王伟  x", "ops   x"])
  })
})
