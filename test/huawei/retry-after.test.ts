import { expect, it } from "vitest"
import { retryAfterMs } from "../../lib/huawei/retry-after.ts"

const NOW = Date.parse("2024-01-12T17:00:00Z")

it.each([
  [undefined, null],
  ["", null],
  [" ", null],
  ["5.5", null],
  ["at Fri, 12 Jan 2024 17:00:05 GMT", null],
  ["12 Jan 2024 17:00:05 GMT", null],
  ["0", 0],
  [" 5 ", 5_000],
  [["5", "9"], 5_000],
  ["7200", 3_600_000],
  ["Fri, 12 Jan 2024 17:00:05 GMT", 5_000],
  ["Friday, 12-Jan-24 17:00:05 GMT", 5_000],
  ["2024-01-12T17:00:05Z", 5_000],
  ["Fri, 12 Jan 2024 16:00:00 GMT", 0],
  ["Mon, 12 Jan 2054 16:00:00 GMT", null],
])("the header Retry-After %j is read as %j milliseconds", (header, ms) => {
  expect(retryAfterMs(header, NOW)).toBe(ms)
})
