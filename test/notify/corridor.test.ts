import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { Corridor, eventOf, POLICY, resultsOf, SUPERNODE_ID, USERDATA } from "../corridor/corridor.ts"
import { closeServer, listenOnLoopback } from "../world/loopback.ts"

// End to end on loopback: an alarm through the door, a purchase whose response is lost, and a webhook of the
// policy file.

const PATH = "/services/T0/B0/HOOK-SECRET"
const AT = Date.parse("2024-01-12T16:51:30Z")
let corridor: Corridor
let said: string[]
let told: { path: string | undefined; body: Record<string, unknown>; entriesThen: number }[]
let status: number
let port: number
const server = createServer((request, response) => void takeNote(request, response))

async function takeNote(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = ""
  for await (const chunk of request) text += String(chunk)
  told.push({ path: request.url, body: JSON.parse(text), entriesThen: (await corridor.entries()).length })
  response.writeHead(status).end()
}

beforeEach(async () => {
  said = []
  told = []
  status = 200
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, "write").mockImplementation((chunk) => said.push(String(chunk)) > 0)
  port = await listenOnLoopback(server)
  const notify = `version: 1\nnotify: { webhook: "http://127.0.0.1:${port}${PATH}" }`
  corridor = await Corridor.open({ at: AT, policy: POLICY.replace("version: 1", notify) })
  corridor.sandbox.failNext("scale-up", { reset: "after-effect" })
})

afterEach(async () => {
  vi.restoreAllMocks()
  await corridor.close()
  await closeServer(server)
})

it("a purchase whose response was lost is notified once, after its ledger entry is stored, and with its hash", async () => {
  const answer = await corridor.lambda("alarm", eventOf("eventbridge-cloudwatch-alarm"))
  await corridor.lambda("alarm", eventOf("sns-cloudwatch-alarm"))
  const [result] = resultsOf(answer)
  const entries = await corridor.entries()
  expect(result).toMatchObject({ outcome: { kind: "unknown" }, entry: { seq: 2, hash: entries[1]?.hash } })
  expect(entries.map((entry) => entry.observation?.kind ?? entry.kind)).toEqual([
    "opened",
    "settled",
    "telling",
  ])
  expect(told).toMatchObject([
    {
      path: PATH,
      entriesThen: 3,
      body: { supernode: "train-a", mode: "live", state: "unknown", entry: result?.entry },
    },
  ])
  expect(told[0]?.body["text"]).toContain(
    "supernode-autoscaler settle train-a --as accepted|completed|absent",
  )
  expect(await corridor.ledger.verify(`supernode:${SUPERNODE_ID}`)).toMatchObject({ ok: true, entries: 3 })
})

it("a purchase puts neither the webhook's address nor any other secret into entries, results, log or message", async () => {
  status = 500
  const answer = await corridor.lambda("alarm", eventOf("eventbridge-cloudwatch-alarm"))
  const entries = await corridor.entries()
  expect(entries.at(-1)?.observation).toMatchObject({
    kind: "not-told",
    says: "notification failed (unknown): the webhook answered 500",
  })
  const kept = [JSON.stringify(answer), JSON.stringify(entries), ...said].join("\n")
  expect(said.join("")).toContain("scale-up")
  for (const secret of ["HOOK-SECRET", `127.0.0.1:${port}`]) expect(kept).not.toContain(secret)
  const message = JSON.stringify(told)
  const userdata = Buffer.from(USERDATA).toString("base64")
  for (const secret of ["SANDBOX-AK", "SANDBOX-SK", "user_test", userdata])
    expect(message).not.toContain(secret)
})
