import { expect, it } from "vitest"
import { redact } from "../../../lib/huawei/purchase/redaction.ts"

const SECRET = "MIIT/abc+12345678"

it.each([
  ["a plain secret is redacted", `is ${SECRET}.`, "is [redacted]."],
  ["a secret escaped as in URLs is redacted", "MIIT%2Fabc%2B12345678", "[redacted]"],
  ["a secret with escaped slashes is redacted", "MIIT\\/abc+12345678", "[redacted]"],
  [
    "a secret without its last character is redacted at the end of a text",
    `is ${SECRET.slice(0, -1)}`,
    "is [redacted]",
  ],
  [
    "the first 8 characters of a secret are redacted at the end of a text",
    `is ${SECRET.slice(0, 8)}`,
    "is [redacted]",
  ],
  [
    "the first 8 characters of a secret are redacted if they are the whole text",
    SECRET.slice(0, 8),
    "[redacted]",
  ],
  ["the first 7 characters of a secret are kept at the end of a text", "is MIIT/ab", "is MIIT/ab"],
  ["a truncated secret is kept before the end of a text", "MIIT/abc+1, and more", "MIIT/abc+1, and more"],
])("redaction: %s", (_, text, kept) => {
  expect(redact(text, [SECRET, null])).toBe(kept)
})

it.each([
  [["abc"], "abc abcd", "abc abcd"],
  [["abcd"], "abc abcd", "abc [redacted]"],
  [["abcd", "abcd-efgh"], "abcd-efgh abcd", "[redacted] [redacted]"],
])(
  "redaction replaces the longest of the secrets %j first, and no secret shorter than 4 characters",
  (secrets, text, kept) => {
    expect(redact(text, secrets)).toBe(kept)
  },
)
