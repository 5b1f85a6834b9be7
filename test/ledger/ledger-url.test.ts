import { describe, expect, test } from "vitest"
import { type LedgerUrl, openLedger, parseLedgerUrl } from "../../lib/ledger/open.ts"
import { LedgerError } from "../../lib/ports.ts"

const AWS = { kind: "dynamodb", table: "supernode-ledger", region: "eu-central-1" } as const

describe("a ledger url", () => {
  test.each<[string, LedgerUrl]>([
    ["memory:", { kind: "memory" }],
    ["sqlite:./ledger.db", { kind: "sqlite", path: "./ledger.db" }],
    ["sqlite:/var/lib/ledger.db", { kind: "sqlite", path: "/var/lib/ledger.db" }],
    ["sqlite:///var/lib/ledger.db", { kind: "sqlite", path: "///var/lib/ledger.db" }],
    ["dynamodb://supernode-ledger?region=eu-central-1", { ...AWS, endpoint: null }],
    ["dynamodb://supernode-ledger/?region=eu-central-1", { ...AWS, endpoint: null }],
    [
      "dynamodb://My_Table?region=cn-north-4",
      { kind: "dynamodb", table: "My_Table", region: "cn-north-4", endpoint: null },
    ],
    [
      "dynamodb://supernode-ledger?region=eu-central-1&endpoint=http://192.168.0.9:8000",
      { ...AWS, endpoint: "http://192.168.0.9:8000" },
    ],
    [
      "dynamodb://supernode-ledger?endpoint=https%3A%2F%2Fnosql.example.com%3A8000&region=eu-central-1",
      { ...AWS, endpoint: "https://nosql.example.com:8000" },
    ],
  ])("%s is understood", (url, parsed) => {
    expect(parseLedgerUrl(url)).toEqual(parsed)
  })

  test.each<[string, RegExp]>([
    ["", /names no store we know; write sqlite:PATH, dynamodb:\/\/TABLE\?region=REGION/],
    ["./ledger.db", /names no store we know/],
    ["memory", /names no store we know/],
    ["memory:x", /names no store we know/],
    ["postgres://host/db", /names no store we know/],
    ["sqlite:", /names no file/],
    ["sqlite::memory:", /names no file/],
    ["sqlite://ledger.db", /write sqlite:ledger.db or sqlite:\/var\/lib\/ledger.db/],
    ["dynamodb:", /its table name must be/],
    ["dynamodb://[", /it is not a url/],
    ["dynamodb://my.table?region=eu-central-1", /its table name must be 3 to 255 of A-Z a-z 0-9 _ -/],
    ["dynamodb://ab?region=eu-central-1", /its table name must be/],
    ["dynamodb://ledger", /it needs region=REGION/],
    ["dynamodb://ledger?region=", /it needs region=REGION/],
    ["dynamodb://ledger/x?region=eu-central-1", /nothing but parameters may follow the table/],
    ["dynamodb://ledger?region=eu-central-1#x", /nothing but parameters may follow the table/],
    ["dynamodb://ledger?region=a&region=b", /a parameter is there twice/],
    ["dynamodb://ledger?region=eu-central-1&ssl=no", /its parameters may only be region, endpoint/],
    [
      "dynamodb://ledger?region=eu-central-1&endpoint=192.168.0.9:8000",
      /its endpoint must be an http or https url/,
    ],
    ["dynamodb://ledger?region=eu-central-1&endpoint=ftp://x", /its endpoint must be an http or https url/],
    ["dynamodb://ledger?region=eu-central-1&endpoint=nonsense", /its endpoint must be an http or https url/],
  ])("%s is refused with what is allowed, and opens nothing", async (url, problem) => {
    expect(parseLedgerUrl(url)).toEqual({ kind: "invalid", problem: expect.stringMatching(problem) })
    await expect(openLedger(url)).rejects.toThrow(LedgerError)
  })

  test("every problem of a url is named at once", () => {
    expect(parseLedgerUrl("dynamodb://a.b/c?endpoint=x&y=z")).toEqual({
      kind: "invalid",
      problem: expect.stringMatching(
        /table name.*nothing but parameters.*needs region.*endpoint must be.*may only be/,
      ),
    })
  })

  test.each([
    "dynamodb://AKIA:hunter2@ledger?region=eu-central-1",
    "dynamodb://ledger?region=eu-central-1&endpoint=http://rwuser:hunter2@192.168.0.9:8000",
  ])("credentials in it are refused and not repeated: %#", (url) => {
    const parsed = parseLedgerUrl(url)
    expect(parsed).toEqual({ kind: "invalid", problem: expect.stringMatching(/credentials/) })
    expect(JSON.stringify(parsed)).not.toMatch(/hunter2|AKIA|rwuser/)
  })

  test("memory: is a ledger of its own each time it is opened", async () => {
    const [here, there] = [await openLedger("memory:"), await openLedger("memory:")]
    expect(here).not.toBe(there)
    expect(await here.verify("control")).toEqual({ ok: true, entries: 0, head: null })
    await Promise.all([here.close(), there.close()])
  })
})
