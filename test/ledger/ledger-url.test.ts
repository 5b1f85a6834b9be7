import { describe, expect, test } from "vitest"
import { controlOf } from "../../lib/ledger/next-entry.ts"
import { type LedgerUrl, ledgerPlace, openLedger, parseLedgerUrl } from "../../lib/ledger/open.ts"
import { LedgerError } from "../../lib/ports.ts"

const AWS = { kind: "dynamodb", table: "supernode-ledger", region: "eu-central-1" } as const

describe("a ledger URL", () => {
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
  ])("the ledger URL %s is parsed", (url, parsed) => {
    expect(parseLedgerUrl(url)).toEqual(parsed)
  })

  test.each<[string, RegExp]>([
    ["", /has an unknown scheme; write sqlite:PATH, dynamodb:\/\/TABLE\?region=REGION/],
    ["./ledger.db", /has an unknown scheme/],
    ["memory", /has an unknown scheme/],
    ["memory:x", /has an unknown scheme/],
    ["mysql://host/db", /has an unknown scheme/],
    ["sqlite:", /has no file path/],
    ["sqlite::memory:", /has no file path/],
    ["sqlite://ledger.db", /names a host; write sqlite:ledger.db or sqlite:\/var\/lib\/ledger.db/],
    ["dynamodb:?region=eu-central-1", /must name a table/],
    ["dynamodb://[", /is not a url/],
    ["dynamodb://my.table?region=eu-central-1", /must name a table of 3 to 255 of A-Z a-z 0-9 _ -/],
    ["dynamodb://ab?region=eu-central-1", /must name a table/],
    ["dynamodb://ledger", /must have a region/],
    ["dynamodb://ledger?region=", /must have a region/],
    ["dynamodb://ledger/x?region=eu-central-1", /must have only parameters after the table/],
    ["dynamodb://ledger?region=eu-central-1#x", /must have only parameters after the table/],
    ["dynamodb://ledger?region=a&region=b", /must not repeat a parameter/],
    ["dynamodb://ledger?region=eu-central-1&ssl=no", /must have only the parameters region, endpoint/],
    ["dynamodb://ledger?region=eu-central-1&endpoint=192.168.0.9:8000", /must have an http or https url/],
    ["dynamodb://ledger?region=eu-central-1&endpoint=ftp://x", /must have an http or https url/],
    ["dynamodb://ledger?region=eu-central-1&endpoint=nonsense", /must have an http or https url/],
  ])("the ledger URL %s is refused with what is allowed, and opens nothing", async (url, problem) => {
    expect(parseLedgerUrl(url)).toEqual({ kind: "invalid", problems: [expect.stringMatching(problem)] })
    await expect(openLedger(url)).rejects.toThrow(LedgerError)
  })

  test("all problems of a ledger URL are reported together", () => {
    expect(parseLedgerUrl("dynamodb://a.b/c?endpoint=x&y=z")).toEqual({
      kind: "invalid",
      problems: [/table/, /only parameters after/, /region/, /endpoint/, /only the parameters/].map((says) =>
        expect.stringMatching(says),
      ),
    })
  })

  test.each([
    "dynamodb://AKIA:hunter2@ledger?region=eu-central-1",
    "dynamodb://ledger?region=eu-central-1&endpoint=http://rwuser:hunter2@192.168.0.9:8000",
  ])("credentials in a DynamoDB ledger URL are refused and not repeated: %#", (url) => {
    const parsed = parseLedgerUrl(url)
    expect(parsed).toEqual({ kind: "invalid", problems: [expect.stringMatching(/credentials/)] })
    expect(JSON.stringify(parsed)).not.toMatch(/hunter2|AKIA|rwuser/)
  })

  const PG = {
    kind: "postgres",
    host: "db.example.com",
    port: 5432,
    database: "supernodes",
    user: "me",
    password: null,
    sslmode: "verify-full",
    sslrootcert: null,
  }

  test.each([
    ["postgres://me@db.example.com/supernodes", PG],
    ["postgresql://me@db.example.com:6432/supernodes", { ...PG, port: 6432 }],
    ["postgres://me:p%40ss%20@db.example.com/supernodes", { ...PG, password: "p@ss " }],
    ["postgres://me@db.example.com/supernodes?sslrootcert=/ca.pem", { ...PG, sslrootcert: "/ca.pem" }],
    ["postgres://me@[::1]/supernodes?sslmode=disable", { ...PG, host: "::1", sslmode: "disable" }],
  ])("a PostgreSQL ledger URL is parsed, with certificate checks by default: %s", (url, parts) => {
    expect(parseLedgerUrl(url)).toEqual(parts)
  })

  test.each<[string, RegExp[]]>([
    ["postgres://me:hunter2@db.example.com/a?sslmode=disable", [/may use sslmode=disable only on loopback/]],
    ["postgres://me:hunter2@db.example.com/a?sslmode=require", [/sslmode=verify-full/]],
    ["postgres://:hunter2@db.example.com/", [/name a user/, /name one database/]],
    ["postgres://me:hunter2@db/a?host=other", [/only the parameters/]],
    ["postgres://me:hunter2@db/a?sslmode=verify-full&sslmode=disable", [/not repeat a parameter/]],
    ["postgres://me:hunter2%@db/a", [/two hex digits/]],
    ["postgres://me:hunter2@db/a#b", [/%23/]],
    ["postgres://me:hunter2@db:port/a", [/is not a url/]],
  ])(
    "an invalid PostgreSQL ledger URL is refused with all its problems and without its password: %#",
    (url, problems) => {
      const parsed = parseLedgerUrl(url)
      expect(parsed).toEqual({ kind: "invalid", problems: problems.map((one) => expect.stringMatching(one)) })
      expect(JSON.stringify(parsed)).not.toMatch(/hunter2/)
      expect(ledgerPlace(url)).not.toMatch(/hunter2/)
    },
  )

  test("a PostgreSQL ledger URL is printed without its password", () => {
    expect(ledgerPlace("postgres://me:hunter2@db/a?sslrootcert=/ca.pem")).toBe(
      "postgres://me@db/a?sslrootcert=/ca.pem",
    )
  })

  test("`memory:` is a new, empty ledger each time it is opened, so that live runs wait 45 minutes", async () => {
    const [here, there] = [await openLedger("memory:"), await openLedger("memory:")]
    const identities = await Promise.all(
      [here, there].map(async (one) => controlOf(await one.head("control")).ledger),
    )
    expect(identities.map((identity) => identity?.origin)).toEqual(["empty", "empty"])
    expect(identities[0]?.id).not.toBe(identities[1]?.id)
    await Promise.all([here.close(), there.close()])
  })
})
