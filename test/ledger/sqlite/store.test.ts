import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import { ledgerOver } from "../../../lib/ledger/chain.ts"
import { openLedger } from "../../../lib/ledger/open.ts"
import { connect } from "../../../lib/ledger/sqlite/connection.ts"
import { openSqliteStore } from "../../../lib/ledger/sqlite/store.ts"
import { LedgerError } from "../../../lib/ports.ts"
import { describeLedgerContract } from "../contract.ts"
import { chainOf, collect, entryAfter, STREAM } from "../entries.ts"
import { startChild } from "./child.ts"

const root = mkdtempSync(join(tmpdir(), "ledger-sqlite-"))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const newDirectory = () => mkdtempSync(join(root, "d-"))
const newFile = () => join(newDirectory(), "ledger.db")

describeLedgerContract("sqlite", {
  open: async () => {
    const store = await openSqliteStore(newFile())
    await store.create()
    return store
  },
  absent: () => openSqliteStore(newFile()),
})

/** A ledger file with a chain of that many entries, closed. */
async function fileWith(length: number): Promise<string> {
  const file = newFile()
  const ledger = ledgerOver(await openSqliteStore(file))
  await ledger.create()
  for (const entry of chainOf(length)) await ledger.append(entry)
  await ledger.close()
  return file
}

describe("a ledger in a SQLite file", () => {
  test("neither reading nor appending makes a file that is not there; only creating does, for its owner alone", async () => {
    const directory = newDirectory()
    const ledger = await openLedger(`sqlite:${join(directory, "ledger.db")}`)
    await ledger.head(STREAM)
    await collect(ledger.read(STREAM))
    await collect(ledger.streams())
    await expect(ledger.append(entryAfter(undefined))).rejects.toThrow(
      `there is no ledger at sqlite:${join(directory, "ledger.db")}; nothing was written`,
    )
    expect(readdirSync(directory)).toEqual([])
    await ledger.create()
    expect(statSync(join(directory, "ledger.db")).mode & 0o777).toBe(0o600)
    await ledger.close()
  })

  test("who looked before the file was there sees what another has written since", async () => {
    const file = newFile()
    const [early, writer] = [await openLedger(`sqlite:${file}`), await openLedger(`sqlite:${file}`)]
    const entry = entryAfter(undefined)
    await writer.create()
    await writer.append(entry)
    expect(await early.head(STREAM)).toEqual(entry)
    await Promise.all([early.close(), writer.close()])
  })

  test("it is there after closing and opening again, and the file alone is all of it", async () => {
    const file = newFile()
    copyFileSync(await fileWith(3), file)
    const ledger = await openLedger(`sqlite:${file}`)
    expect(await ledger.verify(STREAM)).toMatchObject({ ok: true, entries: 3 })
    await ledger.close()
  })

  test("commits are synced to disk and the journal is a write-ahead log", async () => {
    const database = await connect(newFile())
    expect(database.prepare("PRAGMA synchronous").all()).toEqual([{ synchronous: 2 }])
    expect(database.prepare("PRAGMA journal_mode").all()).toEqual([{ journal_mode: "wal" }])
    database.close()
  })

  test.each([
    ["changed", "UPDATE entries SET entry = 'x' WHERE seq = 2", /never change/],
    ["deleted", "DELETE FROM entries WHERE seq = 3", /never deleted/],
    ["replaced", "INSERT OR REPLACE INTO entries SELECT stream, 1, 'x' FROM entries", /one past the newest/],
    ["skipped", "INSERT INTO entries SELECT stream, 9, 'x' FROM entries LIMIT 1", /one past the newest/],
  ])("no entry can be %s, even by another program that opens the file", async (_, sql, refusal) => {
    const file = await fileWith(3)
    const database = await connect(file)
    expect(() => database.exec(sql)).toThrow(refusal)
    database.close()
    const ledger = await openLedger(`sqlite:${file}`)
    expect(await ledger.verify(STREAM)).toMatchObject({ ok: true, entries: 3 })
    await ledger.close()
  })

  test("an entry taken out by force is named by verify as missing", async () => {
    const file = await fileWith(5)
    const database = await connect(file)
    database.exec("DROP TRIGGER entries_are_kept; DELETE FROM entries WHERE seq = 3")
    database.close()
    const ledger = await openLedger(`sqlite:${file}`)
    expect(await ledger.verify(STREAM)).toEqual({
      ok: false,
      seq: 3,
      problem: "is missing; the next stored entry is #4",
    })
    await expect(collect(ledger.read(STREAM))).rejects.toThrow(
      /#4 cannot be trusted: it follows #2: there is a gap/,
    )
    await ledger.close()
  })
})

describe("a place that is no ledger", () => {
  test.each<[string, () => string, RegExp]>([
    ["a directory itself", () => newDirectory(), /is a directory; name a file in it/],
    [
      "a file of something else",
      () => written(newFile(), "these are notes, no database. ".repeat(100)),
      /is not a SQLite database/,
    ],
  ])("%s is refused at opening, and nothing is made there", async (_, place, problem) => {
    const path = place()
    await expect(openLedger(`sqlite:${path}`)).rejects.toThrow(LedgerError)
    await expect(openLedger(`sqlite:${path}`)).rejects.toThrow(problem)
  })

  test("another program's database is refused and left as it is", async () => {
    const file = await fileWith(1)
    const database = await connect(file)
    database.exec("PRAGMA application_id = 7")
    database.close()
    await expect(openLedger(`sqlite:${file}`)).rejects.toThrow(/is another program's database, not a ledger/)
  })

  test("an empty file is no ledger and stays empty until one is created in it", async () => {
    const file = written(newFile(), "")
    const ledger = await openLedger(`sqlite:${file}`)
    expect(await ledger.head(STREAM)).toBeUndefined()
    await expect(ledger.append(entryAfter(undefined))).rejects.toThrow(/there is no ledger at/)
    expect(statSync(file).size).toBe(0)
    await ledger.create()
    expect(await ledger.append(entryAfter(undefined))).toBe("appended")
    await ledger.close()
  })

  test("a directory that is not there is made with the ledger, and a file in its place is named", async () => {
    const file = join(newDirectory(), "nowhere", "ledger.db")
    const ledger = await openLedger(`sqlite:${file}`)
    await expect(ledger.append(entryAfter(undefined))).rejects.toThrow(/there is no ledger at/)
    expect(existsSync(dirname(file))).toBe(false)
    await ledger.create()
    expect(await ledger.append(entryAfter(undefined))).toBe("appended")
    await ledger.close()
    const below = join(written(newFile(), "x"), "ledger.db")
    await expect(openLedger(`sqlite:${below}`)).rejects.toThrow(/ledger.db cannot be used \(ENOTDIR/)
  })

  test("a damaged file throws on reading and on appending", async () => {
    const file = newFile()
    copyFileSync(await fileWith(40), file)
    const descriptor = openSync(file, "r+")
    writeSync(descriptor, Buffer.alloc(20_000, 0x5a), 0, 20_000, 4096)
    closeSync(descriptor)
    const ledger = await openLedger(`sqlite:${file}`)
    for (const trying of [
      () => ledger.head(STREAM),
      () => ledger.append(entryAfter(undefined)),
      () => ledger.verify(STREAM),
    ]) {
      await expect(trying()).rejects.toThrow(/is damaged; restore it from a backup/)
    }
    await ledger.close()
  })

  test.each(["deleted", "exchanged for a copy"])(
    "a file that was %s while in use throws on everything",
    async (what) => {
      const file = await fileWith(2)
      const ledger = await openLedger(`sqlite:${file}`)
      const head = await ledger.head(STREAM)
      copyFileSync(file, `${file}.copy`)
      if (what === "deleted") rmSync(file)
      else renameSync(`${file}.copy`, file)
      for (const trying of [
        () => ledger.head(STREAM),
        () => ledger.append(entryAfter(head)),
        () => collect(ledger.read(STREAM)),
      ]) {
        await expect(trying()).rejects.toThrow(/was deleted or replaced while it was in use/)
      }
      await ledger.close()
    },
  )

  test("a file that may only be read says so", async () => {
    const file = await fileWith(2)
    chmodSync(file, 0o444)
    chmodSync(join(file, ".."), 0o555)
    chmodSync(root, 0o755)
    const child = await startChild("unprivileged-ledger", [file])
    const lines = await child.linesToEnd()
    const says = expect.stringMatching(/^LedgerError.*ledger\.db.*(read-only|not be accessible)/)
    expect(
      lines.every((line) => says.asymmetricMatch(line)),
      lines.join("\n"),
    ).toBe(true)
    chmodSync(join(file, ".."), 0o755)
  })

  test("a file another process keeps to itself alone throws at opening, after the wait", async () => {
    const file = newFile()
    copyFileSync(await fileWith(1), file)
    const owner = await connect(file)
    owner.exec("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE")
    const opening = openLedger(`sqlite:${file}`, { sqliteBusyMs: 40 })
    await expect(opening).rejects.toThrow(/is locked by another process/)
    owner.close()
  })

  test("a file another process keeps locked throws after the wait, and appends again once it is free", async () => {
    const file = await fileWith(1)
    const [locker, ledger] = [await connect(file), await openLedger(`sqlite:${file}`, { sqliteBusyMs: 50 })]
    const head = await ledger.head(STREAM)
    locker.exec("BEGIN IMMEDIATE")
    await expect(ledger.append(entryAfter(head))).rejects.toThrow(
      /cannot be written: the ledger .* is locked by another process/,
    )
    locker.exec("ROLLBACK")
    expect(await ledger.append(entryAfter(head))).toBe("appended")
    locker.close()
    await ledger.close()
  })
})

function written(file: string, text: string): string {
  mkdirSync(join(file, ".."), { recursive: true })
  writeFileSync(file, text)
  return file
}
