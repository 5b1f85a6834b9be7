import { expect, it } from "vitest"
import { redact } from "../../../lib/huawei/purchase/redaction.ts"

const SECRET = "MIIT/abc+12345678"

it.each([
  ["as it is", `is ${SECRET}.`, "is [redacted]."],
  ["escaped in a URL", "MIIT%2Fabc%2B12345678", "[redacted]"],
  ["with escaped slashes", "MIIT\\/abc+12345678", "[redacted]"],
  ["whose last character is missing at the end", `is ${SECRET.slice(0, -1)}`, "is [redacted]"],
  ["of which 8 characters are at the end", `is ${SECRET.slice(0, 8)}`, "is [redacted]"],
  ["of which 8 characters are all the text", SECRET.slice(0, 8), "[redacted]"],
  ["of which only 7 characters are at the end", "is MIIT/ab", "is MIIT/ab"],
  ["that is cut off elsewhere", "MIIT/abc+1, and more", "MIIT/abc+1, and more"],
])("a secret %s", (_, text, kept) => {
  expect(redact(text, [SECRET, null])).toBe(kept)
})

it.each([
  [["abc"], "abc abcd", "abc abcd"],
  [["abcd"], "abc abcd", "abc [redacted]"],
  [["abcd", "abcd-efgh"], "abcd-efgh abcd", "[redacted] [redacted]"],
])(
  "of secrets %j in a text: the longest first, and none shorter than 4 characters",
  (secrets, text, kept) => {
    expect(redact(text, secrets)).toBe(kept)
  },
)
