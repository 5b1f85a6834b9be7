import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, describe, expect, it } from "vitest"
import { openLedger } from "../../lib/ledger/open.ts"
import { ANY_KEYS } from "../ledger/dynamo-keys.ts"
import { DynamoServer } from "../ledger/dynamo-server.ts"
import { Corridor, eventOf, SUPERNODE_ID } from "./corridor.ts"

const SCRIPT = fileURLToPath(new URL("./deliver.ts", import.meta.url))
const PROCESSES = 4
const DELIVERIES = 25

let corridor: Corridor
afterEach(() => corridor.close())

/** The same alarm in every process at once, by the real clock, since that is what processes share. */
async function storm(settings: Record<string, string>): Promise<Record<string, number>> {
  const now = new Date()
  corridor = await Corridor.open({ at: now.getTime(), settings, sandbox: { now: Date.now } })
  const event = JSON.parse(
    JSON.stringify(eventOf("eventbridge-cloudwatch-alarm")).replaceAll(
      "2024-01-12T16:51:16.985+0000",
      now.toISOString(),
    ),
  )
  const file = join(corridor.folder, "event.json")
  writeFileSync(file, JSON.stringify(event))
  const counts = await Promise.all(
    Array.from({ length: PROCESSES }, () => deliver(file, corridor.settings())),
  )
  const ends: Record<string, number> = {}
  for (const [end, count] of counts.flatMap((one) => Object.entries(one)))
    ends[end] = (ends[end] ?? 0) + count
  return ends
}

function deliver(file: string, settings: Record<string, string>): Promise<Record<string, number>> {
  const child = spawn(
    process.execPath,
    ["--no-warnings", "--import", "tsx", SCRIPT, file, String(DELIVERIES)],
    { env: { ...process.env, ...settings }, stdio: ["ignore", "ignore", "pipe"] },
  )
  let said = ""
  child.stderr.on("data", (chunk) => {
    said += String(chunk)
  })
  return new Promise((resolve, reject) => {
    child.on("close", () => {
      const line = said
        .split("\n")
        .findLast((candidate) => candidate.startsWith("{") && !candidate.includes('"level"'))
      if (line) resolve(JSON.parse(line))
      else reject(new Error(`the process said nothing of how it ended: ${said}`))
    })
  })
}

function expectOnePurchase(ends: Record<string, number>): void {
  expect(corridor.sandbox.scaleUps).toHaveLength(1)
  expect(ends["accepted"]).toBe(1)
  expect(Object.values(ends).reduce((sum, count) => sum + count)).toBe(PROCESSES * DELIVERIES)
  expect(
    Object.keys(ends).filter((end) => !["accepted", "duplicate", "in-flight", "overtaken"].includes(end)),
  ).toEqual([])
}

describe(`one alarm, delivered ${PROCESSES * DELIVERIES} times at once over ${PROCESSES} processes`, () => {
  it("on one SQLite ledger is one POST, and the chain verifies", async () => {
    expectOnePurchase(await storm({}))
    expect(await corridor.ledger.verify(`supernode:${SUPERNODE_ID}`)).toMatchObject({ ok: true })
  })

  it("over the DynamoDB protocol is one POST, and the chain verifies", async () => {
    const server = new DynamoServer()
    await server.start()
    const url = server.urlOf(await server.newTable())
    expectOnePurchase(
      await storm({
        SUPERNODE_LEDGER: url,
        SUPERNODE_DYNAMODB_AK: ANY_KEYS.accessKeyId,
        SUPERNODE_DYNAMODB_SK: ANY_KEYS.secretAccessKey,
      }),
    )
    const ledger = await openLedger(url, { dynamodbCredentials: ANY_KEYS })
    expect(await ledger.verify(`supernode:${SUPERNODE_ID}`)).toMatchObject({ ok: true })
    await ledger.close()
    await server.stop()
  })
})
