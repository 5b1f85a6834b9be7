import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { openLedger } from "../../../lib/ledger/open.ts"
import { ANY_KEYS } from "../dynamodb/keys.ts"
import { DynamoServer } from "../dynamodb/server.ts"
import { collect, STREAM } from "../entries.ts"
import { type Child, startChild } from "./child.ts"

const OPTIONS = { dynamodbCredentials: ANY_KEYS }

const directory = mkdtempSync(join(tmpdir(), "ledger-processes-"))
const server = new DynamoServer()
beforeAll(async () => server.start())
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true })
  await server.stop()
})

interface Tried {
  answer: string
  seq: number
  writer: string
}

function tried(lines: string[]): Tried[] {
  return lines.map((line) => {
    const [answer = "", seq = "", writer = ""] = line.split(" ")
    return { answer, seq: Number(seq), writer }
  })
}

async function create(url: string): Promise<void> {
  const ledger = await openLedger(url, OPTIONS)
  await ledger.create()
  await ledger.close()
}

async function readyChildren(count: number, args: string[]): Promise<Child[]> {
  const children = await Promise.all(Array.from({ length: count }, () => startChild("appender", args)))
  for (const child of children) expect(await child.line()).toBe("ready")
  return children
}

/** Lets `count` processes append to one new stream at once, until each has appended `each` entries. */
async function contend(url: string, count: number, each: number) {
  await create(url)
  const stream = `supernode:by-${count}`
  const children = await readyChildren(count, [url, stream, String(each)])
  for (const child of children) child.go()
  const tries = tried((await Promise.all(children.map((child) => child.linesToEnd()))).flat())
  const ledger = await openLedger(url, OPTIONS)
  const entries = await collect(ledger.read(stream))
  const verification = await ledger.verify(stream)
  await ledger.close()
  const won = tries.filter((one) => one.answer === "appended").sort((a, b) => a.seq - b.seq)
  const lost = tries.filter((one) => one.answer === "conflict")
  return { entries, verification, won, lost }
}

describe("several processes on one ledger", () => {
  const ledgers: [string, () => Promise<string>, number][] = [
    ["one SQLite file", async () => `sqlite:${join(mkdtempSync(join(directory, "d-")), "ledger.db")}`, 60],
    ["one DynamoDB-protocol table", async () => server.urlOf(await server.newTable()), 8],
  ]
  const cases = ledgers.flatMap(([name, url, each]) =>
    [2, 4].map((count) => [count, name, url, each] as const),
  )

  test.each(cases)(
    "%i processes that append to %s at once leave no gap and no fork, and get true results",
    async (count, _, url, each) => {
      let ended = await contend(await url(), count, each)
      // On a busy machine one process may finish before the others get their turn.
      while (ended.lost.length === 0) ended = await contend(await url(), count, each)
      const { entries, verification, won, lost } = ended

      expect(verification).toMatchObject({ ok: true, entries: count * each })
      expect(entries.map(({ seq, writer }) => ({ seq, writer }))).toEqual(
        won.map(({ seq, writer }) => ({ seq, writer })),
      )
      const stored = new Set(entries.map((entry) => entry.writer))
      expect(lost.filter((one) => stored.has(one.writer))).toEqual([])
    },
  )
})

describe("a process killed right after an entry was appended", () => {
  test("a process killed right after an append leaves that entry and a valid chain, which the next process continues", async () => {
    const url = `sqlite:${join(mkdtempSync(join(directory, "k-")), "ledger.db")}`
    await create(url)
    for (const killAfter of [1, 9, 60]) {
      const [child] = await readyChildren(1, [url, STREAM, "1000000"])
      child?.go()
      const lines: string[] = []
      while (child && lines.length < killAfter) lines.push(await child.line())
      lines.push(...((await child?.kill()) ?? []))

      const ledger = await openLedger(url)
      const acknowledged = tried(lines.filter((line) => line.split(" ").length === 3))
      const stored = await collect(ledger.read(STREAM, { fromSeq: acknowledged[0]?.seq ?? 0 }))
      expect(await ledger.verify(STREAM)).toMatchObject({ ok: true })
      expect(acknowledged.length).toBeGreaterThanOrEqual(killAfter)
      // The kill may come between a write and its line: then there is one entry more than was acknowledged.
      expect([0, 1]).toContain(stored.length - acknowledged.length)
      expect(stored.slice(0, acknowledged.length).map((entry) => entry.writer)).toEqual(
        acknowledged.map((one) => one.writer),
      )
      await ledger.close()
    }
  })
})
