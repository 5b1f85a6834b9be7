import { describe, expect, test } from "vitest"
import { controlOf } from "../../lib/ledger/next-entry.ts"
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
    ["sqlite://ledger.db", /names a host; write sqlite:ledger.db or sqlite:\/var\/lib\/ledger.db/],
    ["dynamodb:?region=eu-central-1", /must name a table/],
    ["dynamodb://[", /is not a url/],
    ["dynamodb://my.table?region=eu-central-1", /must name a table of 3 to 255 of A-Z a-z 0-9 _ -/],
    ["dynamodb://ab?region=eu-central-1", /must name a table/],
    ["dynamodb://ledger", /must have a region/],
    ["dynamodb://ledger?region=", /must have a region/],
    ["dynamodb://ledger/x?region=eu-central-1", /must have nothing but parameters after the table/],
    ["dynamodb://ledger?region=eu-central-1#x", /must have nothing but parameters after the table/],
    ["dynamodb://ledger?region=a&region=b", /must have no parameter twice/],
    ["dynamodb://ledger?region=eu-central-1&ssl=no", /must have no parameters but region, endpoint/],
    ["dynamodb://ledger?region=eu-central-1&endpoint=192.168.0.9:8000", /must have an http or https url/],
    ["dynamodb://ledger?region=eu-central-1&endpoint=ftp://x", /must have an http or https url/],
    ["dynamodb://ledger?region=eu-central-1&endpoint=nonsense", /must have an http or https url/],
  ])("%s is refused with what is allowed, and opens nothing", async (url, problem) => {
    expect(parseLedgerUrl(url)).toEqual({ kind: "invalid", problems: [expect.stringMatching(problem)] })
    await expect(openLedger(url)).rejects.toThrow(LedgerError)
  })

  test("every problem of a url is named at once", () => {
    expect(parseLedgerUrl("dynamodb://a.b/c?endpoint=x&y=z")).toEqual({
      kind: "invalid",
      problems: [/table/, /nothing but parameters/, /region/, /endpoint/, /no parameters but/].map((says) =>
        expect.stringMatching(says),
      ),
    })
  })

  test.each([
    "dynamodb://AKIA:hunter2@ledger?region=eu-central-1",
    "dynamodb://ledger?region=eu-central-1&endpoint=http://rwuser:hunter2@192.168.0.9:8000",
  ])("credentials in it are refused and not repeated: %#", (url) => {
    const parsed = parseLedgerUrl(url)
    expect(parsed).toEqual({ kind: "invalid", problems: [expect.stringMatching(/credentials/)] })
    expect(JSON.stringify(parsed)).not.toMatch(/hunter2|AKIA|rwuser/)
  })

  test("memory: is a new and empty ledger each time it is opened, so that live runs wait 45 minutes", async () => {
    const [here, there] = [await openLedger("memory:"), await openLedger("memory:")]
    const identities = await Promise.all(
      [here, there].map(async (one) => controlOf(await one.head("control")).ledger),
    )
    expect(identities.map((identity) => identity?.origin)).toEqual(["empty", "empty"])
    expect(identities[0]?.id).not.toBe(identities[1]?.id)
    await Promise.all([here.close(), there.close()])
  })
})
