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

/** Path of a closed ledger file with a chain of `length` entries. */
async function fileWith(length: number): Promise<string> {
  const file = newFile()
  const ledger = ledgerOver(await openSqliteStore(file))
  await ledger.create()
  for (const entry of chainOf(length)) await ledger.append(entry)
  await ledger.close()
  return file
}

describe("a ledger in a SQLite file", () => {
  test("only create makes a missing SQLite file, for its owner alone; reading and appending do not", async () => {
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

  test("a SQLite ledger opened before its file exists sees what another connection writes later", async () => {
    const file = newFile()
    const [early, writer] = [await openLedger(`sqlite:${file}`), await openLedger(`sqlite:${file}`)]
    const entry = entryAfter(undefined)
    await writer.create()
    await writer.append(entry)
    expect(await early.head(STREAM)).toEqual(entry)
    await Promise.all([early.close(), writer.close()])
  })

  test("a closed SQLite ledger is complete in its one file, so a copy of it verifies", async () => {
    const file = newFile()
    copyFileSync(await fileWith(3), file)
    const ledger = await openLedger(`sqlite:${file}`)
    expect(await ledger.verify(STREAM)).toMatchObject({ ok: true, entries: 3 })
    await ledger.close()
  })

  test("SQLite commits are synced to disk, and the journal is a write-ahead log", async () => {
    const database = await connect(newFile())
    expect(database.prepare("PRAGMA synchronous").all()).toEqual([{ synchronous: 2 }])
    expect(database.prepare("PRAGMA journal_mode").all()).toEqual([{ journal_mode: "wal" }])
    database.close()
  })

  test.each([
    ["changed", "UPDATE entries SET entry = 'x' WHERE seq = 2", /never change/],
    ["deleted", "DELETE FROM entries WHERE seq = 3", /never deleted/],
    ["replaced", "INSERT OR REPLACE INTO entries SELECT stream, 1, 'x' FROM entries", /one past the newest/],
    [
      "followed by a gap",
      "INSERT INTO entries SELECT stream, 9, 'x' FROM entries LIMIT 1",
      /one past the newest/,
    ],
  ])("no entry in SQLite can be %s, even by another program that opens the file", async (_, sql, refusal) => {
    const file = await fileWith(3)
    const database = await connect(file)
    expect(() => database.exec(sql)).toThrow(refusal)
    database.close()
    const ledger = await openLedger(`sqlite:${file}`)
    expect(await ledger.verify(STREAM)).toMatchObject({ ok: true, entries: 3 })
    await ledger.close()
  })

  test("verify names an entry as missing that was deleted from SQLite by force", async () => {
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

describe("a path that is not a usable ledger", () => {
  test.each<[string, () => string, RegExp]>([
    ["a directory", () => newDirectory(), /is a directory; name a file in it/],
    [
      "a file that is not a database",
      () => written(newFile(), "these are notes, no database. ".repeat(100)),
      /is not a SQLite database/,
    ],
  ])("%s is refused as a SQLite ledger at opening", async (_, place, problem) => {
    const path = place()
    await expect(openLedger(`sqlite:${path}`)).rejects.toThrow(LedgerError)
    await expect(openLedger(`sqlite:${path}`)).rejects.toThrow(problem)
  })

  test("another program's SQLite database is refused as a ledger", async () => {
    const file = await fileWith(1)
    const database = await connect(file)
    database.exec("PRAGMA application_id = 7")
    database.close()
    await expect(openLedger(`sqlite:${file}`)).rejects.toThrow(/is another program's database, not a ledger/)
  })

  test("an empty file is not a ledger and stays empty until a ledger is created in it", async () => {
    const file = written(newFile(), "")
    const ledger = await openLedger(`sqlite:${file}`)
    expect(await ledger.head(STREAM)).toBeUndefined()
    await expect(ledger.append(entryAfter(undefined))).rejects.toThrow(/there is no ledger at/)
    expect(statSync(file).size).toBe(0)
    await ledger.create()
    expect(await ledger.append(entryAfter(undefined))).toBe("appended")
    await ledger.close()
  })

  test("`create` makes the missing directory of a SQLite ledger, and reports a file that has the directory's name", async () => {
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

  test("a damaged SQLite file throws on reading and on appending", async () => {
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
    "a SQLite file that was %s while in use throws on every call",
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

  test("a read-only SQLite file is reported as read-only", async () => {
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

  test("a SQLite file that another process locks exclusively throws at opening, after the wait", async () => {
    const file = newFile()
    copyFileSync(await fileWith(1), file)
    const owner = await connect(file)
    owner.exec("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE")
    const opening = openLedger(`sqlite:${file}`, { sqliteBusyMs: 40 })
    await expect(opening).rejects.toThrow(/is locked by another process/)
    owner.close()
  })

  test("an append to a locked SQLite file throws after the wait, and succeeds once the file is free", async () => {
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
