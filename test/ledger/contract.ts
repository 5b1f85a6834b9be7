import { randomUUID } from "node:crypto"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { canonicalText, digest } from "../../lib/digest.ts"
import { type AuditedLedger, ledgerOver } from "../../lib/ledger/chain.ts"
import { type EntryDraft, entryText, type LedgerEntry } from "../../lib/ledger/entry.ts"
import { initLedger } from "../../lib/ledger/init.ts"
import type { LedgerStore } from "../../lib/ledger/store.ts"
import { LedgerError } from "../../lib/ports.ts"
import { clockAt } from "../world/clock.ts"
import { chainOf, collect, entryAfter, entryOfBytes, LIMIT, rawOf, STREAM } from "./entries.ts"
import { type Fault, FaultyStore } from "./faulty-store.ts"

const OTHER = "supernode:another"

export interface StoresUnderTest {
  /** Opens a store that was created and is empty. */
  open(): Promise<LedgerStore>
  /** Opens a store that was not created; `null` if opening always creates the store. */
  absent: (() => Promise<LedgerStore>) | null
}

/** The contract of a ledger over any store. */
export function describeLedgerContract(name: string, { open, absent }: StoresUnderTest): void {
  describe(`every ledger: ${name}`, () => {
    let store: LedgerStore
    let ledger: AuditedLedger

    beforeEach(async () => {
      store = await open()
      ledger = ledgerOver(store)
    })
    afterEach(async () => ledger.close())

    describe("order", () => {
      test("an empty ledger has no head, no entries and no streams, and verifies", async () => {
        expect(await ledger.head(STREAM)).toBeUndefined()
        expect(await collect(ledger.read(STREAM))).toEqual([])
        expect(await collect(ledger.streams())).toEqual([])
        expect(await ledger.verify(STREAM)).toEqual({ ok: true, entries: 0, head: null })
      })

      test("entries are read unchanged in the order of their seq, and the head is the newest", async () => {
        const entries = chainOf(12)
        for (const entry of entries) expect(await ledger.append(entry)).toBe("appended")

        expect(await collect(ledger.read(STREAM))).toEqual(entries)
        expect(await ledger.head(STREAM)).toEqual(entries.at(-1))
        expect(await ledger.verify(STREAM)).toEqual({ ok: true, entries: 12, head: entries.at(-1)?.hash })
      })

      test.each<[string, { fromSeq?: number; toSeq?: number }, number[]]>([
        ["from one seq to the newest entry", { fromSeq: 4 }, [4, 5]],
        ["from the first entry up to one seq", { toSeq: 2 }, [1, 2]],
        ["both bounds inclusive", { fromSeq: 2, toSeq: 4 }, [2, 3, 4]],
        ["a single entry", { fromSeq: 3, toSeq: 3 }, [3]],
        ["beyond the newest", { fromSeq: 6 }, []],
        ["bounds in the wrong order", { fromSeq: 4, toSeq: 2 }, []],
        ["from before the first", { fromSeq: 0, toSeq: 1 }, [1]],
      ])("a range of entries is read: %s", async (_, range, seqs) => {
        for (const entry of chainOf(5)) await ledger.append(entry)
        expect((await collect(ledger.read(STREAM, range))).map((entry) => entry.seq)).toEqual(seqs)
      })

      test("a reader of a ledger may stop early, and the ledger still accepts appends", async () => {
        const entries = chainOf(3)
        for (const entry of entries) await ledger.append(entry)
        for await (const entry of ledger.read(STREAM)) {
          if (entry.seq === 1) break
        }
        expect(await ledger.append(entryAfter(entries[2]))).toBe("appended")
      })

      test("each stream of a ledger is a separate chain, and is listed once", async () => {
        for (const stream of [STREAM, OTHER, "control", "fleet"]) {
          for (const entry of chainOf(2, stream)) expect(await ledger.append(entry)).toBe("appended")
        }
        expect((await collect(ledger.streams())).sort()).toEqual(["control", "fleet", OTHER, STREAM])
        expect((await collect(ledger.read(OTHER))).map((entry) => entry.stream)).toEqual([OTHER, OTHER])
        expect((await ledger.head("control"))?.seq).toBe(2)
      })
    })

    describe("the life of a ledger", () => {
      const CLOCK = clockAt(1_750_000_000_000)
      const init = (of: AuditedLedger, nothingInFlight = false) =>
        initLedger(
          { ledger: of, clock: CLOCK, newId: randomUUID },
          { by: "ann", why: "new", nothingInFlight },
        )

      test("heads that are read at the same time are the newest entries of their streams, by whichever writer", async () => {
        const streams = ["supernode:same", "supernode:moved", "supernode:empty", "supernode:new"]
        const rival = ledgerOver(store)
        const chains = streams.map((stream) => chainOf(4, stream))
        const append = async (by: AuditedLedger, nth: number, range: [number, number]) => {
          for (const entry of chains[nth]?.slice(...range) ?? []) await by.append(entry)
        }
        await append(ledger, 0, [0, 2])
        await append(ledger, 1, [0, 2])
        await append(rival, 1, [2, 4])
        await append(rival, 3, [0, 1])
        const heads = await Promise.all(streams.map((stream) => ledger.head(stream)))
        expect(heads).toEqual([chains[0]?.[1], chains[1]?.[3], undefined, chains[3]?.[0]])
      })

      test("checking that a ledger is writable writes no entry", async () => {
        await ledger.checkWritable()
        expect(await collect(ledger.streams())).toEqual([])
      })

      test("creating a ledger again leaves its entries as they are", async () => {
        const entries = chainOf(2)
        for (const entry of entries) await ledger.append(entry)
        await ledger.create()
        expect(await collect(ledger.read(STREAM))).toEqual(entries)
      })

      test("several inits of one ledger at once all return the same id, and one entry is written", async () => {
        const all = await Promise.all([ledger, ledgerOver(store), ledgerOver(store)].map((one) => init(one)))
        expect(new Set(all.map(({ identity }) => identity.id)).size).toBe(1)
        expect(all.filter(({ entry }) => entry !== null)).toHaveLength(1)
        expect(await ledger.verify("control")).toMatchObject({ ok: true, entries: 1 })
      })

      test.each([
        ["records an empty ledger as empty", 0, false, "empty"],
        ["records an operator's word that nothing is in flight", 0, true, "nothing-in-flight"],
        ["adopts a ledger with entries", 2, false, "adopted"],
      ] as const)("init %s, and another init keeps the id", async (_, entries, word, origin) => {
        for (const entry of chainOf(entries)) await ledger.append(entry)
        const { identity } = await init(ledger, word)
        expect(identity.origin).toBe(origin)
        expect(await init(ledger)).toEqual({ identity, entry: null })
      })

      if (absent === null) return
      test("a ledger that was never created reads as empty and accepts no entry until it is created", async () => {
        const missing = ledgerOver(await absent())
        expect(await missing.head(STREAM)).toBeUndefined()
        expect(await collect(missing.streams())).toEqual([])
        for (const trying of [
          () => missing.append(entryAfter(undefined)),
          () => missing.checkWritable(),
          () => missing.append(entryAfter(undefined, { kind: "opened" })),
        ])
          await expect(trying()).rejects.toThrow(/there is no ledger at .*supernode-autoscaler ledger init/)
        expect(await missing.verify(STREAM)).toMatchObject({ ok: true, entries: 0 })
        expect((await init(missing)).identity.origin).toBe("empty")
        await missing.close()
      })
    })

    describe("the conditional write", () => {
      test("an append to a taken seq is a conflict, and the stored entry stays", async () => {
        const [first] = chainOf(1)
        if (first === undefined) throw new Error("no chain")
        await ledger.append(first)
        expect(await ledger.append(entryAfter(undefined))).toBe("conflict")
        expect(await collect(ledger.read(STREAM))).toEqual([first])
      })

      test.each([2, 3, 7])(
        "an append of seq %i to an empty chain is a conflict, because it would leave a gap",
        async (seq) => {
          expect(await ledger.append(entryAfter(undefined, { seq, prev: digest("something") }))).toBe(
            "conflict",
          )
          expect(await ledger.head(STREAM)).toBeUndefined()
        },
      )

      test("an append that skips a seq is a conflict, even for the writer of the newest entry", async () => {
        const entries = chainOf(3)
        const [first, second, third] = entries.map((entry) => entry)
        if (!first || !second || !third) throw new Error("no chain")
        await ledger.append(first)
        expect(await ledger.append(third)).toBe("conflict")
        expect(await ledger.append(second)).toBe("appended")
        expect(await ledger.append(third)).toBe("appended")
      })

      test("of two writers that read the same head, one appends and the other gets a conflict", async () => {
        const [first] = chainOf(1)
        if (first === undefined) throw new Error("no chain")
        await ledger.append(first)
        const rival = ledgerOver(store)
        const seen = await rival.head(STREAM)

        expect(await ledger.append(entryAfter(first))).toBe("appended")
        expect(await rival.append(entryAfter(seen))).toBe("conflict")
        expect(await ledger.verify(STREAM)).toMatchObject({ ok: true, entries: 2 })
      })

      test("a sealed entry that is appended again counts as appended and is stored once", async () => {
        const entries = chainOf(2)
        for (const entry of [...entries, ...entries]) expect(await ledger.append(entry)).toBe("appended")
        expect(await ledger.verify(STREAM)).toMatchObject({ ok: true, entries: 2 })
      })

      test("an entry that names another predecessor than the stored one is refused and not written", async () => {
        for (const entry of chainOf(1)) await ledger.append(entry)
        const stranger = entryAfter(undefined, { seq: 2, prev: digest("another chain") })
        for (const writer of [ledger, ledgerOver(store)]) {
          await expect(writer.append(stranger)).rejects.toThrow(
            /#2 was not written: it has prev .*, but the hash of the entry before/,
          )
        }
        expect((await ledger.head(STREAM))?.seq).toBe(1)
      })

      const sound = entryAfter(undefined)
      test.each<[string, LedgerEntry, RegExp]>([
        [
          "an unknown stream",
          entryAfter(undefined, { stream: "notes" }),
          /its stream is not supernode:<id>, control or fleet/,
        ],
        ["seq 0", entryAfter(undefined, { seq: 0 }), /its seq is not 1, 2, 3/],
        ["a fractional seq", entryAfter(undefined, { seq: 1.5 }), /its seq is not 1, 2, 3/],
        [
          "seq 1 and a predecessor",
          entryAfter(undefined, { prev: sound.hash }),
          /first entry but has a prev hash/,
        ],
        ["a wrong hash", { ...sound, run: "changed" }, /does not match its hash/],
        [
          "several of these problems",
          { ...sound, stream: "", seq: -1 },
          /its stream.*its seq.*does not match its hash/,
        ],
      ])("an entry with %s is refused, and no entry is written", async (_, entry, problem) => {
        const error: unknown = await ledger.append(entry).catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(LedgerError)
        expect(String(error)).toMatch(problem)
        expect(await collect(ledger.streams())).toEqual([])
      })

      test("of concurrent appends of one seq to a store, one is appended and none fails", async () => {
        const entries = Array.from({ length: 20 }, () => rawOf(entryAfter(undefined)))
        const answers = await Promise.all(entries.map((raw) => store.append(STREAM, raw)))
        expect(answers.filter((answer) => answer === "appended").length).toBe(1)
      })

      test("50 writers at once leave a chain without gaps, and each append reports its true result", async () => {
        const writers = Array.from({ length: 50 }, () => ledgerOver(store))
        // All read the empty chain before the first one writes.
        await Promise.all(writers.map((writer) => writer.head(STREAM)))
        const all = await Promise.all(writers.map(tryThrice))
        const entries = await collect(ledger.read(STREAM))
        const { won, lost } = { won: all.flatMap((one) => one.won), lost: all.flatMap((one) => one.lost) }
        const stored = entries.map((entry) => entry.writer)

        expect(await ledger.verify(STREAM)).toMatchObject({ ok: true, entries: won.length })
        expect(won.sort()).toEqual([...stored].sort())
        expect(lost.filter((writer) => stored.includes(writer))).toEqual([])
        expect(won.length + lost.length).toBe(150)
        expect(lost.length).toBeGreaterThanOrEqual(49)
      })
    })

    describe("stored entries", () => {
      test("an entry's text is read back byte for byte: numbers, Unicode, control characters, odd keys", async () => {
        const odd: Partial<EntryDraft> = {
          run: '\u20ac \u{1f680} e\u0301 \u00e9 \u0000 \u007f \u2028 \ud800 "\\',
          at: 1750000000000.5,
        }
        const numbers = JSON.parse(
          '{"a":1e21,"b":0.1,"c":1e-7,"d":9007199254740993,"e":-0,"__proto__":{"x":5e-324}}',
        )
        const standing = { pausedAll: null, paused: {}, held: {}, approvals: [], ...numbers }
        const entry = entryAfter(undefined, { ...odd, stream: "control", standing })
        await ledger.append(entry)

        const head = await store.head("control")
        expect(head).toEqual({ seq: 1, text: entryText(entry) })
        expect(entryText((await ledger.head("control")) ?? entry)).toBe(entryText(entry))
        expect(head?.text).toMatch(/"a":1e\+21,.*"b":0.1,"c":1e-7,"d":9007199254740992,"e":0,/)
      })

      test("an entry of 256 KB is stored", async () => {
        const entry = entryOfBytes(LIMIT)
        expect(await ledger.append(entry)).toBe("appended")
        expect(Buffer.byteLength((await store.head(STREAM))?.text ?? "")).toBe(LIMIT)
        expect(await ledger.head(STREAM)).toEqual(entry)
      })

      test("an entry one byte too big can neither be sealed nor appended", async () => {
        expect(() => entryOfBytes(LIMIT + 1)).toThrow(RangeError)
        const { hash: _, ...unsealed } = { ...entryOfBytes(LIMIT), writer: "ww" }
        const bigger: LedgerEntry = { ...unsealed, hash: digest(unsealed) }
        await expect(ledger.append(bigger)).rejects.toThrow(
          `it has ${LIMIT + 1} bytes, the maximum is ${LIMIT}`,
        )
        expect(await ledger.head(STREAM)).toBeUndefined()
      })

      test("a long chain of big entries is read completely, page by page", async () => {
        const entries: LedgerEntry[] = []
        while (entries.length < 70) entries.push(entryAfter(entries.at(-1), { run: "y".repeat(40_000) }))
        for (const entry of entries) await ledger.append(entry)
        expect((await collect(ledger.read(STREAM))).map((entry) => entry.seq)).toEqual(
          entries.map((entry) => entry.seq),
        )
        expect((await collect(ledger.read(STREAM, { fromSeq: 3, toSeq: 68 }))).length).toBe(66)
        expect(await collect(ledger.streams())).toEqual([STREAM])
      })
    })

    describe("a lost response to an append", () => {
      test.each<[string, Fault[], "appended" | "conflict", number]>([
        [
          "an append whose response is lost after the write is found, and counts as appended",
          ["after"],
          "appended",
          1,
        ],
        [
          "an append that the client repeats by itself counts as appended, although the repeated condition fails",
          ["twice"],
          "appended",
          1,
        ],
        ["an append that is lost before the write is sent again", ["before"], "appended", 2],
        [
          "an append that is lost twice before the write is sent a third time",
          ["before", "before"],
          "appended",
          3,
        ],
        [
          "an append counts as appended if one try is lost before the write and the next one after the write",
          ["before", "after"],
          "appended",
          2,
        ],
        ["an append that arrives after its repetition changes nothing", ["late"], "appended", 2],
      ])("%s", async (_, faults, says, appends) => {
        const faulty = new FaultyStore(store).failing(...faults)
        const entry = entryAfter(undefined)
        expect(await ledgerOver(faulty).append(entry)).toBe(says)
        expect(faulty.appends).toBe(appends)
        expect(await collect(ledger.read(STREAM))).toEqual([entry])
      })

      test.each<[Fault]>([["before"], ["after"], ["twice"], ["late"]])(
        "a lost append (fault: %s) is a conflict if a rival took the seq, and the rival's entry stays",
        async (fault) => {
          const rival = entryAfter(undefined, { run: "rival" })
          const faulty = new FaultyStore(store)
            .failing(fault)
            .withRival(() => ledgerOver(store).append(rival))
          expect(await ledgerOver(faulty).append(entryAfter(undefined))).toBe("conflict")
          expect(await collect(ledger.read(STREAM))).toEqual([rival])
        },
      )

      test("an append is a conflict if a rival takes the seq between the lost append and its repetition", async () => {
        const rival = entryAfter(undefined, { run: "rival" })
        const faulty = new FaultyStore(store)
          .failing("before")
          .withRival(() => ledgerOver(store).append(rival), 2)
        expect(await ledgerOver(faulty).append(entryAfter(undefined))).toBe("conflict")
        expect(faulty.appends).toBe(2)
        expect(await collect(ledger.read(STREAM))).toEqual([rival])
      })

      test.each<[Fault]>([["before"], ["after"], ["twice"]])(
        "a lost append (fault: %s) throws if the seq cannot be read again, because its result is unknown",
        async (fault) => {
          const faulty = new FaultyStore(store).failing(fault).blindAfterAppend()
          const error: unknown = await ledgerOver(faulty)
            .append(entryAfter(undefined))
            .catch((thrown: unknown) => thrown)
          expect(error).toBeInstanceOf(LedgerError)
          expect(String(error)).toMatch(
            /it is unknown whether ledger entry .*#1 was written .* no route to host/,
          )
          expect(faulty.appends).toBe(1)
        },
      )

      test("an append throws after three lost tries, and nothing is written", async () => {
        const faulty = new FaultyStore(store).failing("before", "before", "before", "before")
        await expect(ledgerOver(faulty).append(entryAfter(undefined))).rejects.toThrow(
          /ledger entry .*#1 cannot be written: connection refused/,
        )
        expect(faulty.appends).toBe(3)
        expect(await ledger.head(STREAM)).toBeUndefined()
      })

      test("a ledger still accepts appends after it has resolved lost appends", async () => {
        const writer = ledgerOver(new FaultyStore(store).failing("after", "before", "twice"))
        for (const entry of chainOf(4)) expect(await writer.append(entry)).toBe("appended")
        expect(await ledger.verify(STREAM)).toMatchObject({ ok: true, entries: 4 })
      })
    })

    describe("entries that cannot be trusted", () => {
      const first = entryAfter(undefined)
      const { hash: _, ...unsealed } = first
      const { standing: __, ...withoutStanding } = first
      const versionThree = { ...unsealed, v: 3 }
      const cases: [string, string, RegExp][] = [
        ["is not JSON", "not json", /is not JSON/],
        ["is empty", "", /is not JSON/],
        ["is not an object", "[1]", /is not a JSON object/],
        ["was changed", entryText({ ...first, at: first.at + 1 }), /does not match its hash/],
        [
          "has another version",
          canonicalText({ ...versionThree, hash: digest(versionThree) }),
          /has version 3, this program reads versions 1 and 2/,
        ],
        ["has no version", "{}", /has version none/],
        [
          "belongs to another stream",
          rawOf(entryAfter(undefined, { stream: OTHER })).text,
          /belongs to stream "supernode:another"/,
        ],
        ["has another seq", rawOf(entryAfter(undefined, { seq: 2 })).text, /says its seq is 2/],
        ["was re-encoded", JSON.stringify(first, null, 1), /is not in canonical form/],
        ["lacks its standing", canonicalText(withoutStanding), /has no valid `at` or no valid `standing`/],
        ["lacks its hash", canonicalText(unsealed), /has no prev or no hash/],
        [
          "is nested too deeply to walk",
          entryText(first).replace(
            '"standing":{',
            `"standing":{"a":${"[".repeat(50_000)}${"]".repeat(50_000)},`,
          ),
          /canonical form/,
        ],
      ]

      test.each(cases)(
        "a head that %s throws, and the error names the entry and the command `audit verify`",
        async (_, text, problem) => {
          await store.append(STREAM, { seq: 1, text })
          const ways = [
            () => ledger.head(STREAM),
            () => collect(ledger.read(STREAM)),
            () => ledger.append(entryAfter(first)),
            () => ledger.append(entryAfter(undefined)),
          ]
          for (const way of ways) {
            const error: unknown = await way().catch((thrown: unknown) => thrown)
            expect(error).toBeInstanceOf(LedgerError)
            expect(String(error)).toMatch(problem)
            expect(String(error)).toMatch(new RegExp(`${STREAM}#1 cannot be trusted.*audit verify`))
          }
          expect(await ledger.verify(STREAM)).toEqual({
            ok: false,
            seq: 1,
            problem: expect.stringMatching(problem),
          })
        },
      )

      test("a changed entry in the middle of a chain stops a reader there, and verify names it", async () => {
        const [one, two, three] = chainOf(3)
        if (!one || !two || !three) throw new Error("no chain")
        await store.append(STREAM, rawOf(one))
        await store.append(STREAM, { seq: 2, text: entryText({ ...two, run: "changed" }) })
        await store.append(STREAM, rawOf(three))
        await expect(collect(ledger.read(STREAM))).rejects.toThrow(
          /#2 cannot be trusted: it does not match its hash/,
        )
        expect(await ledger.verify(STREAM)).toMatchObject({ ok: false, seq: 2 })
        expect(await ledger.head(STREAM)).toEqual(three)
      })

      test("a valid entry of another chain is detected because its link does not match the entry before it", async () => {
        const [one] = chainOf(1)
        const [, strange] = chainOf(2)
        if (!one || !strange) throw new Error("no chain")
        await store.append(STREAM, rawOf(one))
        await store.append(STREAM, rawOf(strange))
        await expect(collect(ledger.read(STREAM))).rejects.toThrow(
          /#2 cannot be trusted: it has prev .* before it is /,
        )
        expect(await ledger.verify(STREAM)).toMatchObject({ ok: false, seq: 2 })
      })
    })
  })
}

/**
 * Appends to an empty chain, then twice to the head just read. Returns the writers that won and those that
 * lost.
 */
async function tryThrice(ledger: AuditedLedger): Promise<{ won: string[]; lost: string[] }> {
  const tried = { won: [] as string[], lost: [] as string[] }
  for (let tries = 0; tries < 3; tries++) {
    const entry = entryAfter(tries === 0 ? undefined : await ledger.head(STREAM))
    const answer = await ledger.append(entry)
    tried[answer === "appended" ? "won" : "lost"].push(entry.writer)
  }
  return tried
}
