import { execFile } from "node:child_process"
import { chmodSync, copyFileSync, mkdirSync } from "node:fs"
import { request } from "node:http"
import { join } from "node:path"
import { promisify } from "node:util"
import { expect, it, onTestFinished } from "vitest"
import { ANY_KEYS } from "../ledger/dynamodb/keys.ts"
import { DynamoServer } from "../ledger/dynamodb/server.ts"
import { makeLedger } from "../ledger/initialised.ts"
import { bundle } from "../processes/bundle.ts"
import { httpForTest } from "../world/loopback-for-test.ts"
import { type AskedOfLedger, askOfLedger } from "./asked-of-ledger.ts"
import { type CloudFixture, cloudFixture, START } from "./harness.ts"

// A ledger that cannot be used: every view says so, and nothing is bought.

const TICK = { kind: "tick", time: new Date(START).toISOString() }

/** A command line whose load would lead to a purchase. No test may see one. */
async function busyDesk(options: { withoutLedger?: true } = {}): Promise<CloudFixture & { event: string }> {
  const own = await cloudFixture({}, undefined, options)
  return Object.assign(own, { event: own.file("tick.json", TICK) })
}

interface Expected {
  /** Reason in the response of /readyz; `null` if `serve` cannot even open the ledger and does not start. */
  reason: RegExp | null
  doctor: RegExp
  /** Output of the run, stdout and stderr together. */
  tick: RegExp
  log: RegExp
}

function expectRefused({ doctor, tick, ready, ended, log }: AskedOfLedger, expected: Expected): void {
  const { reason } = expected
  const reasons = reason && [expect.stringMatching(reason)]
  expect(ready).toEqual(reasons && { status: 503, body: { status: "not-ready", reasons } })
  expect(ended).toBe(reason ? 0 : 1)
  expect([doctor.code, doctor.out + doctor.err]).toEqual([1, expect.stringMatching(expected.doctor)])
  expect([tick.code, tick.out + tick.err]).toEqual([1, expect.stringMatching(expected.tick)])
  expect(log).toMatch(expected.log)
}

it("without a ledger, /readyz responds 503, doctor and run fail, and serve logs an ERROR", async () => {
  const own = await busyDesk({ withoutLedger: true })
  expectRefused(await askOfLedger(own.env, START, own.event), {
    reason: /^ledger-new: the ledger is missing or was not created/,
    doctor: /^PROBLEM {2}ledger: there is no ledger at sqlite:/m,
    tick: /\(ledger-new\)[\s\S]*error: no run can use sqlite:/,
    log: /ERROR there is no ledger at sqlite:.*ledger init/,
  })
  expect(own.sandbox.scaleUps).toEqual([])
})

it("with a ledger that has no id, /readyz responds 503, doctor and run fail, and serve logs an ERROR", async () => {
  const own = await busyDesk()
  await own.ledger((ledger) => ledger.head("control"))
  own.cutChain("control", 0)
  expectRefused(await askOfLedger(own.env, START, own.event), {
    reason: /^ledger-new: the ledger is missing or was not created by `ledger init`/,
    doctor: /^PROBLEM {2}ledger: there is no ledger at sqlite:.*, or it has no id/m,
    tick: /\(ledger-new\)[\s\S]*error: no run can use sqlite:/,
    log: /ERROR there is no ledger at sqlite:.*, or it has no id/,
  })
  expect(own.sandbox.scaleUps).toEqual([])
})

it("with a read-only ledger file or folder, doctor and run fail, and serve is not ready or does not start", async () => {
  const own = await busyDesk()
  await own.ledger((ledger) => ledger.head("control"))
  const ledgerIn = (folder: string, fileMode: number, folderMode: number): Record<string, string> => {
    const path = join(own.dir, folder, "ledger.db")
    mkdirSync(join(own.dir, folder))
    copyFileSync(own.ledgerPath, path)
    chmodSync(path, fileMode)
    chmodSync(join(own.dir, folder), folderMode)
    onTestFinished(() => chmodSync(join(own.dir, folder), 0o755))
    return { ...(own.env as Record<string, string>), SUPERNODE_LEDGER: `sqlite:${path}` }
  }
  const bad = [
    ledgerIn("file", 0o444, 0o777),
    ledgerIn("folder", 0o666, 0o555),
    ledgerIn("both", 0o444, 0o555),
  ]
  chmodSync(own.dir, 0o755)
  const answers = await unprivileged([{ ...own.env, SUPERNODE_MODE: "observe" }, ...bad], own.event)
  expect(answers).toHaveLength(3)
  const readOnly = /ledger\.db or its directory is read-only for this process/
  const [file, ...closed] = answers
  expectRefused(file as AskedOfLedger, {
    reason: /^the ledger cannot be written$/,
    doctor: /^PROBLEM {2}ledger: .*ledger\.db or its directory is read-only/m,
    tick: readOnly,
    log: /ERROR .*ledger\.db or its directory is read-only/,
  })
  for (const answer of closed)
    expectRefused(answer, {
      reason: null,
      doctor: /^PROBLEM {2}ledger: .*ledger\.db or its directory is read-only/m,
      tick: readOnly,
      log: readOnly,
    })
  expect(own.sandbox.scaleUps).toEqual([])
})

async function unprivileged(envs: object[], event: string): Promise<AskedOfLedger[]> {
  const { file } = await bundle("unprivileged-cli")
  const question = JSON.stringify({ envs, at: START, event })
  const argv = ["--no-warnings", file, question]
  const { stdout } = await promisify(execFile)(process.execPath, argv, { maxBuffer: 1e7 })
  return JSON.parse(stdout) as AskedOfLedger[]
}

it("with a read-only DynamoDB table, /readyz responds 503, doctor and run fail, and serve logs an ERROR", async () => {
  const own = await busyDesk()
  const server = new DynamoServer()
  await server.start()
  onTestFinished(() => server.stop())
  const table = await server.newTable()
  await makeLedger(server.urlOf(table), START, { dynamodbCredentials: ANY_KEYS })
  own.env["SUPERNODE_LEDGER"] = server.urlOf(table, await readOnly(server.port))
  own.env["SUPERNODE_DYNAMODB_AK"] = ANY_KEYS.accessKeyId
  own.env["SUPERNODE_DYNAMODB_SK"] = ANY_KEYS.secretAccessKey

  const denied = /table ledger-1 .* cannot be used with these credentials/
  expectRefused(await askOfLedger(own.env, START, own.event), {
    reason: /^the ledger cannot be written$/,
    doctor: /^PROBLEM {2}ledger: .*cannot be used with these credentials/m,
    tick: denied,
    log: /ERROR .*cannot be used with these credentials/,
  })
  expect(own.sandbox.scaleUps).toEqual([])
})

/** The same server for a client that may read but not write. PutItem is refused as IAM refuses it. */
function readOnly(port: number): Promise<string> {
  return httpForTest((incoming, answer) => {
    if (incoming.headers["x-amz-target"] === "DynamoDB_20120810.PutItem") {
      incoming.resume()
      answer.writeHead(400, { "content-type": "application/x-amz-json-1.0" })
      const __type = "com.amazon.coral.service#AccessDeniedException"
      answer.end(JSON.stringify({ __type, Message: "not authorized to perform: dynamodb:PutItem" }))
      return
    }
    const { method, url, headers } = incoming
    const passed = request({ host: "127.0.0.1", port, method, path: url, headers }, (got) => {
      answer.writeHead(got.statusCode ?? 500, got.headers)
      got.pipe(answer)
    })
    incoming.pipe(passed)
  })
}
