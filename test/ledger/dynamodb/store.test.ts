import type { IncomingHttpHeaders, ServerResponse } from "node:http"
import {
  ConditionalCheckFailedException,
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  waitUntilTableNotExists,
} from "@aws-sdk/client-dynamodb"
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from "vitest"
import { openDynamoStore } from "../../../lib/ledger/dynamodb/store.ts"
import { createDynamoTable } from "../../../lib/ledger/dynamodb/table.ts"
import { type AuditedLedger, openLedger } from "../../../lib/ledger/open.ts"
import { LedgerBehindError, LedgerError } from "../../../lib/ports.ts"
import { httpForTest } from "../../world/loopback-for-test.ts"
import { describeLedgerContract } from "../contract.ts"
import { chainOf, collect, entryAfter, rawOf, STREAM } from "../entries.ts"
import { ANY_KEYS, REGION } from "./keys.ts"
import { DynamoProxy, type PutFate } from "./proxy.ts"
import { DynamoServer } from "./server.ts"

const server = new DynamoServer()
beforeAll(async () => server.start())
afterAll(async () => server.stop())

const OPTIONS = { dynamodbCredentials: ANY_KEYS }
/** For requests that only a time limit ends. */
const HASTY = { ...OPTIONS, dynamodbTimeouts: { connectMs: 1_000, requestMs: 1_000 } }
/** For all other requests: on a busy machine a slow response must not count as lost. */
const PATIENT = { ...OPTIONS, dynamodbTimeouts: { connectMs: 60_000, requestMs: 60_000 } }

const clientTo = (endpoint: string) => new DynamoDBClient({ region: REGION, endpoint, credentials: ANY_KEYS })

const storeOf = (table: string) =>
  openDynamoStore({ table, region: REGION, endpoint: server.endpoint, credentials: ANY_KEYS })
let absentTables = 0

describeLedgerContract("dynamodb", {
  open: async () => storeOf(await server.newTable()),
  absent: () => storeOf(`absent-${++absentTables}`),
})

describe("a lost response of DynamoDB", () => {
  /**
   * Appends one entry through a proxy with these fates of PutItem requests. Returns the result and what is
   * stored.
   */
  async function appendThrough(fates: PutFate[], rival = false) {
    const table = await server.newTable()
    const proxy = new DynamoProxy(server.port, fates)
    const isSilent = fates.some((fate) => fate.startsWith("hang"))
    const ledger = await openLedger(server.urlOf(table, await proxy.start()), isSilent ? HASTY : PATIENT)
    const direct = await openLedger(server.urlOf(table), OPTIONS)
    const entry = entryAfter(undefined)
    await ledger.head(STREAM)
    if (rival) await direct.append(entryAfter(undefined, { run: "rival" }))
    const said = await ledger.append(entry).catch((error: unknown) => error)
    const stored = await collect(direct.read(STREAM))
    await Promise.all([ledger.close(), direct.close(), proxy.stop()])
    return { said, isStored: stored[0]?.hash === entry.hash, entries: stored.length, puts: proxy.puts }
  }

  test.each<[string, PutFate[], number]>([
    [
      "a DynamoDB append cut off after the write is found and counts as appended, with one request",
      ["drop-answer"],
      1,
    ],
    [
      "a DynamoDB append without a response after the write counts as appended, with one request",
      ["hang-after"],
      1,
    ],
    ["a DynamoDB append cut off before the write is sent again", ["drop-request"], 2],
    ["a DynamoDB append that never arrives is sent again", ["hang"], 2],
    [
      "a DynamoDB append cut off before the write, and then after it, counts as appended",
      ["drop-request", "drop-answer"],
      2,
    ],
  ])("%s", async (_, fates, puts) => {
    expect(await appendThrough(fates)).toEqual({ said: "appended", isStored: true, entries: 1, puts })
  })

  test.each<[PutFate]>([["drop-answer"], ["drop-request"], ["hang"], ["hang-after"]])(
    "a disturbed DynamoDB append (%s) is a conflict, with one request, if a rival has the seq",
    async (fate) => {
      expect(await appendThrough([fate], true)).toEqual({
        said: "conflict",
        isStored: false,
        entries: 1,
        puts: 1,
      })
    },
  )

  test("a DynamoDB append cut off three times before the write throws, and nothing is stored", async () => {
    const { said, ...rest } = await appendThrough(["drop-request", "drop-request", "drop-request"])
    expect(String(said)).toMatch(
      /LedgerError: ledger entry .*#1 cannot be written: the ledger table .* cannot be reached/,
    )
    expect(rest).toEqual({ isStored: false, entries: 0, puts: 3 })
  })

  test("Amazon's own client repeats a write by itself, and reports a failed condition", async () => {
    const table = await server.newTable()
    const proxy = new DynamoProxy(server.port, ["drop-answer"])
    const client = clientTo(await proxy.start())
    const { text } = rawOf(entryAfter(undefined))
    const put = new PutItemCommand({
      TableName: table,
      Item: { stream: { S: STREAM }, seq: { N: "1" }, entry: { S: text } },
      ConditionExpression: "attribute_not_exists(seq)",
    })
    await expect(client.send(put)).rejects.toThrow(ConditionalCheckFailedException)
    expect(proxy.puts).toBe(2)
    client.destroy()
    await proxy.stop()
  })
})

describe("a table of the DynamoDB protocol", () => {
  test("each append to DynamoDB is one PutItem request", async () => {
    const table = await server.newTable()
    const proxy = new DynamoProxy(server.port, [])
    const ledger = await openLedger(server.urlOf(table, await proxy.start()), OPTIONS)
    const entries = chainOf(3)
    for (const entry of entries) await ledger.append(entry)
    expect(proxy.puts).toBe(3)
    await ledger.close()
    await proxy.stop()
  })

  test("every read from DynamoDB is strongly consistent", async () => {
    const table = await server.newTable()
    const proxy = new DynamoProxy(server.port, [])
    const ledger = await openLedger(server.urlOf(table, await proxy.start()), OPTIONS)
    await ledger.head(STREAM)
    await collect(ledger.read(STREAM))
    await collect(ledger.streams())
    expect(proxy.sent.match(/DynamoDB_20120810\.(Query|Scan)/g)?.length).toBe(3)
    expect(proxy.sent.match(/"ConsistentRead":true/g)?.length).toBe(3)
    await ledger.close()
    await proxy.stop()
  })

  test("a re-created DynamoDB table gets no entry whose predecessor it does not contain", async () => {
    const table = await server.newTable()
    const ledger = await openLedger(server.urlOf(table), OPTIONS)
    const first = entryAfter(undefined)
    await ledger.append(first)
    const client = clientTo(server.endpoint)
    await client.send(new DeleteTableCommand({ TableName: table }))
    await waitUntilTableNotExists({ client, maxWaitTime: 10, minDelay: 1 }, { TableName: table })
    client.destroy()
    await createDynamoTable({ table, region: REGION, endpoint: server.endpoint, credentials: ANY_KEYS })
    await expect(ledger.head(STREAM)).rejects.toThrow(LedgerBehindError)
    expect(await ledger.append(entryAfter(first))).toBe("conflict")
    expect(await collect(ledger.streams())).toEqual([])
    await ledger.close()
  })

  test("a DynamoDB chain without its first entry is still listed, and verify names what is missing", async () => {
    const table = await server.newTable()
    const store = await openDynamoStore({
      table,
      region: REGION,
      endpoint: server.endpoint,
      credentials: ANY_KEYS,
    })
    for (const entry of chainOf(3).slice(1)) await store.append(STREAM, rawOf(entry))
    const ledger = await openLedger(server.urlOf(table), OPTIONS)
    expect(await collect(ledger.streams())).toEqual([STREAM])
    expect(await ledger.verify(STREAM)).toEqual({
      ok: false,
      seq: 1,
      problem: "is missing; the next stored entry is #2",
    })
    await Promise.all([store.close(), ledger.close()])
  })

  test("a DynamoDB item that lacks the attribute with the entry is not trusted", async () => {
    const table = await server.newTable()
    const client = clientTo(server.endpoint)
    await client.send(
      new PutItemCommand({ TableName: table, Item: { stream: { S: STREAM }, seq: { N: "1" } } }),
    )
    client.destroy()
    const ledger = await openLedger(server.urlOf(table), OPTIONS)
    await expect(ledger.head(STREAM)).rejects.toThrow(/#1 cannot be trusted: it is not JSON/)
    await ledger.close()
  })

  test("creating an existing DynamoDB table keeps its entries", async () => {
    const table = await server.newTable()
    const ledger = await openLedger(server.urlOf(table), OPTIONS)
    await ledger.append(entryAfter(undefined))
    await createDynamoTable({ table, region: REGION, endpoint: server.endpoint, credentials: ANY_KEYS })
    expect((await ledger.head(STREAM))?.seq).toBe(1)
    await ledger.close()
  })

  test("opening a DynamoDB ledger needs no network", async () => {
    const ledger = await openLedger("dynamodb://supernode-ledger?region=eu-central-1")
    await ledger.close()
  })

  describe("without keys of its own", () => {
    beforeEach(() => {
      for (const name of ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"]) vi.stubEnv(name, "/dev/null")
      vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true")
    })
    afterEach(() => {
      vi.unstubAllEnvs()
    })

    test("a DynamoDB ledger without keys of its own uses those of AWS's default chain", async () => {
      vi.stubEnv("AWS_ACCESS_KEY_ID", "test")
      vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test")
      const ledger = await openLedger(server.urlOf(await server.newTable()))
      expect(await ledger.append(entryAfter(undefined))).toBe("appended")
      await ledger.close()
    })

    test("a DynamoDB ledger reports missing credentials", async () => {
      const ledger = await openLedger(server.urlOf("ledger-1"))
      await expect(ledger.head(STREAM)).rejects.toThrow(
        /cannot be used with these credentials, or the credentials are missing/,
      )
      await ledger.close()
    })
  })

  test("DynamoDB keys may come from a function, which is called when they are needed", async () => {
    const table = await server.newTable()
    let asked = 0
    const dynamodbCredentials = async () => {
      asked += 1
      return ANY_KEYS
    }
    const ledger = await openLedger(server.urlOf(table), { dynamodbCredentials })
    expect(asked).toBe(0)
    await ledger.head(STREAM)
    expect(asked).toBeGreaterThan(0)
    await ledger.close()
  })
})

describe("a DynamoDB server that does not respond as it should", () => {
  /** Every call that a run or an operator may make. */
  const questions = (ledger: AuditedLedger): (() => Promise<unknown>)[] => [
    () => ledger.head(STREAM),
    () => ledger.append(entryAfter(undefined)),
    () => collect(ledger.read(STREAM)),
    () => collect(ledger.streams()),
    () => ledger.verify(STREAM),
  ]

  async function expectAll(ledger: AuditedLedger, problem: RegExp): Promise<void> {
    const errors = await Promise.all(
      questions(ledger).map((question) => question().catch((error: unknown) => error)),
    )
    await ledger.close()
    for (const error of errors) {
      expect(error).toBeInstanceOf(LedgerError)
      expect(String(error)).toMatch(problem)
      expect(String(error)).not.toContain("TOKEN")
    }
  }

  const S = "S" as const
  const [HASH, RANGE] = ["HASH", "RANGE"] as const
  test.each([
    ["of something else", [["id", S, HASH]]],
    ["without a sort key", [["stream", S, HASH]]],
    [
      "with a sort key of text",
      [
        ["stream", S, HASH],
        ["seq", S, RANGE],
      ],
    ],
    [
      "with its keys the wrong way round",
      [
        ["seq", "N", HASH],
        ["stream", S, RANGE],
      ],
    ],
  ] as const)(
    "a DynamoDB table %s is refused before the first attempt is opened, and by init",
    async (what, keys) => {
      const table = `foreign-${what.replaceAll(" ", "-")}`
      const client = clientTo(server.endpoint)
      await client.send(
        new CreateTableCommand({
          TableName: table,
          BillingMode: "PAY_PER_REQUEST",
          AttributeDefinitions: keys.map(([name, type]) => ({ AttributeName: name, AttributeType: type })),
          KeySchema: keys.map(([name, , key]) => ({ AttributeName: name, KeyType: key })),
        }),
      )
      const ledger = await openLedger(server.urlOf(table), OPTIONS)
      for (const trying of [
        () => ledger.checkWritable(),
        () => ledger.create(),
        () => ledger.append(entryAfter(undefined, { kind: "opened" })),
      ])
        await expect(trying()).rejects.toThrow(/its key must be stream \(S\) and seq \(N\)/)
      const { Count } = await client.send(new ScanCommand({ TableName: table }))
      expect(Count).toBe(0)
      client.destroy()
      await ledger.close()
    },
  )

  test("every call to a DynamoDB port without a listener says that the table cannot be reached", async () => {
    const ledger = await openLedger(`dynamodb://ledger?region=${REGION}&endpoint=http://127.0.0.1:1`, PATIENT)
    await expectAll(
      ledger,
      /the ledger table ledger \(eu-central-1, http:\/\/127.0.0.1:1\) cannot be reached/,
    )
  })

  test.each<[string, number, string, RegExp]>([
    ["access denied", 400, "AccessDeniedException", /cannot be used with these credentials/],
    ["a wrong signature", 400, "InvalidSignatureException", /cannot be used with these credentials/],
    ["throttling", 400, "ProvisionedThroughputExceededException", /is throttled; give it more capacity/],
    [
      "a failure of the server",
      500,
      "InternalServerError",
      /returned an error \(InternalServerError: so it is\)/,
    ],
  ])("every call to DynamoDB reports %s", async (_, status, type, problem) => {
    const refusing = await httpForTest((_request, response) => {
      response.writeHead(status, { "content-type": "application/x-amz-json-1.0" })
      response.end(
        JSON.stringify({
          __type: `com.amazonaws.dynamodb.v20120810#${type}`,
          // AWS repeats the text to sign, which includes the session token.
          message: "so it is\n\nThe Canonical String for this request should have been\n'POST\n/\nTOKEN'",
        }),
      )
    })
    const ledger = await openLedger(`dynamodb://ledger?region=${REGION}&endpoint=${refusing}`, OPTIONS)
    await expectAll(ledger, problem)
  })

  /** Opens a ledger at a server that responds to each request by `reply`. */
  async function answering(reply: (res: ServerResponse, headers: IncomingHttpHeaders) => void) {
    const endpoint = await httpForTest((req, res) => {
      req.resume()
      reply(res, req.headers)
    })
    const ledger = await openLedger(`dynamodb://ledger?region=${REGION}&endpoint=${endpoint}`, OPTIONS)
    onTestFinished(() => ledger.close())
    return ledger
  }

  test.each([
    ["an empty object", "{}"],
    ["JSON without the list", '{"Count":1}'],
    ["truncated JSON", '{"Items":[{"stream":'],
    ["a proxy's HTML page", "<html>"],
    ["null", "null"],
    ["a list", "[]"],
    ["a list of null", '{"Items":[null],"Count":1}'],
  ])("%s with status 200 from DynamoDB is an error, not an empty ledger", async (_, body) => {
    const ledger = await answering((res) => res.end(body))
    for (const question of [() => ledger.head(STREAM), () => collect(ledger.streams())])
      await expect(question()).rejects.toThrow("status 200 with an unreadable response")
  })

  test("an empty page of DynamoDB that names a next page does not count as an empty stream", async () => {
    const [entry] = chainOf(1)
    const item = { stream: { S: STREAM }, seq: { N: "1" }, entry: { S: entry && rawOf(entry).text } }
    const pages = [
      { Items: [], LastEvaluatedKey: { stream: { S: STREAM }, seq: { N: "2" } } },
      { Items: [item] },
    ]
    const ledger = await answering((res) => answer(res, 200, pages.shift() ?? {}))
    expect((await ledger.head(STREAM))?.hash).toBe(entry?.hash)
  })

  test("a truncated response of DynamoDB is requested again", async () => {
    const bodies = ['{"Items":[{"str', '{"Items":[],"Count":0}']
    const ledger = await answering((res) => res.end(bodies.shift()))
    await expect(ledger.head(STREAM)).resolves.toBeUndefined()
  })

  test("DynamoDB requests are signed with the server's time while our clock is wrong, and with ours once it is right", async () => {
    let aheadMs = 10 * 60_000
    const ledger = await answering((res, headers) => {
      const now = Date.now() + aheadMs
      const text = String(headers["x-amz-date"]).replace(/^(....)(..)(..T..)(..)(..)/, "$1-$2-$3:$4:$5")
      res.setHeader("date", new Date(now).toUTCString())
      if (Math.abs(Date.parse(text) - now) < 5 * 60_000) return answer(res, 200, { Items: [], Count: 0 })
      answer(res, 400, { __type: "com.amazon.coral.service#InvalidSignatureException", message: "expired" })
    })
    await expect(ledger.head(STREAM)).resolves.toBeUndefined()
    aheadMs = 0
    await expect(ledger.head(STREAM)).resolves.toBeUndefined()
  })

  test("a DynamoDB server that never responds causes an error instead of endless waiting", async () => {
    const silent = await httpForTest(() => undefined)
    const ledger = await openLedger(`dynamodb://ledger?region=${REGION}&endpoint=${silent}`, HASTY)
    await expectAll(ledger, /cannot be reached/)
  })

  test("creating a DynamoDB table fails with a report if the table cannot be reached", async () => {
    const place = { table: "ledger", region: REGION, endpoint: "http://127.0.0.1:1", credentials: ANY_KEYS }
    await expect(createDynamoTable(place)).rejects.toThrow(/the ledger table ledger .* cannot be reached/)
  })
})

describe("heads of many streams in DynamoDB", () => {
  const STREAMS = ["supernode:a", "supernode:b", "supernode:c"]

  /**
   * A ledger that knows one entry of each stream, behind a server that changes the response of BatchGetItem.
   */
  async function batching(answer: (body: BatchAnswer) => { status: number; body: object }) {
    const asked: string[] = []
    const stale: string[] = []
    const between = await httpForTest((request, response) => {
      const chunks: Buffer[] = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        void (async () => {
          const operation = String(request.headers["x-amz-target"]).split(".")[1] ?? ""
          asked.push(operation)
          const reads = operation === "BatchGetItem" || operation === "Query"
          if (reads && !isConsistent(Buffer.concat(chunks).toString())) stale.push(operation)
          const headers = Object.entries(request.headers).filter(([name]) =>
            /^(x-amz|auth|content-type)/.test(name),
          )
          const real = await fetch(server.endpoint, {
            method: "POST",
            headers: Object.fromEntries(headers.map(([name, value]) => [name, String(value)])),
            body: Buffer.concat(chunks),
          })
          const body = (await real.json()) as BatchAnswer
          const said = operation === "BatchGetItem" ? answer(body) : { status: real.status, body }
          response.writeHead(said.status, { "content-type": "application/x-amz-json-1.0" })
          response.end(JSON.stringify(said.body))
        })()
      })
    })
    const table = await server.newTable()
    const ledger = await openLedger(server.urlOf(table, between), PATIENT)
    for (const stream of STREAMS) for (const entry of chainOf(1, stream)) await ledger.append(entry)
    asked.length = 0
    const readAll = async () =>
      (await Promise.all(STREAMS.map((stream) => ledger.head(stream)))).map((head) => head?.seq)
    const direct = await openLedger(server.urlOf(table), OPTIONS)
    const close = () => Promise.all([ledger.close(), direct.close()])
    return { table, asked, stale, readAll, direct, close }
  }

  /** True if the request demands strongly consistent reads. */
  function isConsistent(body: string): boolean {
    const { ConsistentRead, RequestItems = {} } = JSON.parse(body) as {
      ConsistentRead?: boolean
      RequestItems?: Record<string, { ConsistentRead?: boolean }>
    }
    const tables = Object.values(RequestItems)
    return tables.length > 0
      ? tables.every((table) => table.ConsistentRead === true)
      : ConsistentRead === true
  }

  interface BatchAnswer {
    Responses: Record<string, Record<string, { S?: string; N?: string }>[]>
    UnprocessedKeys?: object
  }
  const asIs = (body: BatchAnswer) => ({ status: 200, body })

  test("heads of many DynamoDB streams take one request, and one more for each stream with new entries", async () => {
    const { asked, stale, readAll, direct, close } = await batching(asIs)
    expect(await readAll()).toEqual([1, 1, 1])
    expect(asked).toEqual(["BatchGetItem"])
    const second = entryAfter(await direct.head("supernode:b"))
    for (const entry of [second, entryAfter(second)]) await direct.append(entry)
    expect(await readAll()).toEqual([1, 3, 1])
    expect(asked.slice(1, 3)).toEqual(["BatchGetItem", "Query"])
    // The response of a lagging replica would hide new entries of a stream.
    expect(stale).toEqual([])
    await close()
  })

  test("an unprocessed key of BatchGetItem counts as unread, never as absent", async () => {
    const { asked, readAll, direct, close } = await batching((body) => {
      const [table = ""] = Object.keys(body.Responses)
      // The second entry of one stream, and the first of another, were not read.
      const Keys = [
        { stream: { S: "supernode:a" }, seq: { N: "2" } },
        { stream: { S: "supernode:c" }, seq: { N: "1" } },
      ]
      const isUnread = (item: Record<string, { S?: string; N?: string }>) =>
        Keys.some(({ stream, seq }) => stream.S === item["stream"]?.S && seq.N === item["seq"]?.N)
      const items = (body.Responses[table] ?? []).filter((item) => !isUnread(item))
      return { status: 200, body: { Responses: { [table]: items }, UnprocessedKeys: { [table]: { Keys } } } }
    })
    const before = await direct.head("supernode:a")
    await direct.append(entryAfter(before))
    expect(await readAll()).toEqual([2, 1, 1])
    expect(asked).toEqual(["BatchGetItem", "Query", "Query"])
    await close()
  })

  test("heads of many DynamoDB streams are read one by one if BatchGetItem is not allowed", async () => {
    const { asked, readAll, close } = await batching(() => ({
      status: 400,
      body: { __type: "com.amazonaws.dynamodb.v20120810#AccessDeniedException", message: "not authorized" },
    }))
    expect(await readAll()).toEqual([1, 1, 1])
    expect(await readAll()).toEqual([1, 1, 1])
    expect(asked).toEqual(["BatchGetItem", ...Array(6).fill("Query")])
    await close()
  })
})

/**
 * Imitates AWS for creating a table; `backups` responds to UpdateContinuousBackups. Returns the requested
 * operations.
 */
async function tableMaker(backups: (res: ServerResponse) => void) {
  const asked: string[] = []
  let isThere = false
  const url = await httpForTest((req, res) => {
    const operation = String(req.headers["x-amz-target"]).split(".")[1] ?? ""
    asked.push(operation)
    req.resume()
    if (operation === "UpdateContinuousBackups") return backups(res)
    if (operation === "CreateTable") isThere = true
    const table = { TableName: "ledger", TableStatus: "ACTIVE" }
    if (isThere) return answer(res, 200, { Table: table, TableDescription: table, Items: [], Count: 0 })
    answer(res, 400, { __type: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException" })
  })
  vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", url)
  onTestFinished(() => void vi.unstubAllEnvs())
  return asked
}

function answer(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(body))
}

describe("point-in-time recovery", () => {
  const aws = () => openLedger(`dynamodb://ledger?region=${REGION}`, PATIENT)
  const denied = { __type: "com.amazon.coral.service#AccessDeniedException", message: "no such right" }

  test.each([
    [
      "point-in-time recovery is switched on for a DynamoDB table that init creates",
      (res: ServerResponse) => answer(res, 200, {}),
      /^point-in-time recovery is on for the table ledger$/,
    ],
    [
      "point-in-time recovery that may not be switched on is reported with the command to do so",
      (res: ServerResponse) => answer(res, 400, denied),
      /^point-in-time recovery is not on .*no such right.*run: aws dynamodb update-continuous-backups --region \S+ --table-name ledger/,
    ],
  ])("%s", async (_, backups, says) => {
    const asked = await tableMaker(backups)
    const ledger = await aws()
    await ledger.create()
    expect(await ledger.protect()).toMatch(says)
    expect(asked.filter((one) => one === "UpdateContinuousBackups")).toHaveLength(1)
    await ledger.close()
  })

  test("point-in-time recovery is not changed for an existing DynamoDB table or at GeminiDB", async () => {
    const asked = await tableMaker((res) => answer(res, 200, {}))
    const [maker, later] = [await aws(), await aws()]
    await maker.create()
    await later.create()
    expect(await later.protect()).toBeNull()
    expect(asked).not.toContain("UpdateContinuousBackups")
    const gemini = await openLedger(server.urlOf("new-at-gemini"), PATIENT)
    await gemini.create()
    expect(await gemini.protect()).toBeNull()
    await Promise.all([maker, later, gemini].map((one) => one.close()))
  })
})
