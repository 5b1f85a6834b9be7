import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb"
import { expect, it } from "vitest"
import { sdkHandler } from "../../lib/http/sdk-handler.ts"
import { certificateFor } from "../huawei/certificates.ts"
import { answer, type Script, says, wireOf } from "../huawei/wire.ts"
import { tunnelTo } from "./tunnel-script.ts"

// Tests Amazon's own client over our connections: its handling of responses and failures.

const HOST = "dynamodb.test"
const certificate = await certificateFor(HOST)

interface Asking {
  answers: Script
  behaviour?: Script
  maxAttempts?: number
  /** Limit for connecting and for the whole attempt; long unless something hangs. */
  limitMs?: number
}

async function getItem({ answers, behaviour, maxAttempts = 1, limitMs = 20_000 }: Asking) {
  const endpoint = await wireOf(answers, { tls: certificate })
  const proxy = await wireOf(behaviour ?? tunnelTo(endpoint.port))
  const client = new DynamoDBClient({
    region: "eu-central-1",
    endpoint: `https://${HOST}:${endpoint.port}`,
    credentials: { accessKeyId: "AKIA", secretAccessKey: "SECRET" },
    maxAttempts,
    requestHandler: sdkHandler({
      proxy: { address: `http://ops:s3cret-pass@127.0.0.1:${proxy.port}`, noProxy: "" },
      connectMs: limitMs,
      requestMs: limitMs,
      ca: certificate.cert,
    }),
  })
  const command = new GetItemCommand({ TableName: "ledger", Key: { stream: { S: "control" } } })
  const answered = await client.send(command).then(
    ({ Item }) => Item,
    (error: Error) => `${error.name}: ${error.message}`,
  )
  client.destroy()
  return { answered, endpoint, proxy }
}

it("Amazon's client reads a response through the proxy's tunnel, and the proxy sees neither key nor request", async () => {
  const answers = says(answer(200, { Item: { seq: { N: "7" } } }))
  const { answered, endpoint, proxy } = await getItem({ answers })
  expect(answered).toEqual({ seq: { N: "7" } })
  expect(endpoint.received()).toContain("x-amz-target: DynamoDB_20120810.GetItem")
  expect(proxy.received()).toMatch(/^CONNECT dynamodb\.test:\d+ HTTP\/1\.1\r\n/)
  expect(proxy.received()).not.toMatch(/AKIA|GetItem/)
})

it("Amazon's client tries again after a broken connection only if maxAttempts allows it", async () => {
  const answers: Script = { onRequest: (socket) => socket.destroy() }
  const once = await getItem({ answers })
  expect(once.endpoint.requestLines()).toBe(1)
  const twice = await getItem({ answers, maxAttempts: 2 })
  expect(twice.endpoint.requestLines()).toBe(2)
})

it.each<[string, Partial<Asking>, RegExp]>([
  [
    "the proxy refuses",
    { behaviour: says(answer(407)) },
    /^Error: the proxy answered CONNECT with 407: .* \(through the proxy 127\.0\.0\.1:\d+\)$/,
  ],
  [
    "the proxy hangs",
    { behaviour: {}, limitMs: 200 },
    /^(Timeout)?Error: no (connection|response) within 200 ms \(through/,
  ],
  [
    "the endpoint hangs",
    { answers: {}, limitMs: 200 },
    /^(Timeout)?Error: no (connection|response) within 200 ms \(through/,
  ],
  [
    "the service refuses",
    {
      answers: says(answer(400, { __type: "com.amazonaws#ResourceNotFoundException", message: "no table" })),
    },
    /^ResourceNotFoundException: no table$/,
  ],
])("Amazon's client fails in time and with a reason if %s", async (_title, asking, words) => {
  const { answered } = await getItem({ answers: says(answer(200, {})), ...asking })
  expect(answered).toMatch(words)
  expect(answered).not.toContain("s3cret")
})
