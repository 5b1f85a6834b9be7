import { describe, expect, test } from "vitest"
import { EMPTY_STATE } from "../../lib/decision/state/state.ts"
import { digest, digestText } from "../../lib/digest.ts"
import { entryText, type LedgerEntry, sealEntry } from "../../lib/ledger/entry.ts"
import type { RawEntry } from "../../lib/ledger/store.ts"
import { verifyStream } from "../../lib/ledger/verify.ts"
import { chainOf, entryAfter, rawOf, STREAM } from "./entries.ts"
import { verifyEntries } from "./verify-entries.ts"

async function* given<T>(items: T[]): AsyncIterable<T> {
  yield* items
}

const [one, two, three, four] = chainOf(4) as [LedgerEntry, LedgerEntry, LedgerEntry, LedgerEntry]
const rival = entryAfter(one, { run: "rival" })
const { hash: _, ...unsealedTwo } = two
const resealed = sealEntry({ ...unsealedTwo, run: "changed" })

describe("verifying a chain of entries", () => {
  test("verification of a valid chain returns its length and the hash of its head", async () => {
    expect(await verifyEntries([one, two, three])).toEqual({ ok: true, entries: 3, head: three.hash })
  })

  test("an empty chain is valid and has no head", async () => {
    expect(await verifyEntries([])).toEqual({ ok: true, entries: 0, head: null })
  })

  test.each<[string, LedgerEntry[], number, RegExp]>([
    ["an entry was removed from the middle", [one, two, four], 3, /is missing; the next stored entry is #4/],
    ["the beginning was cut off", [three, four], 1, /is missing; the next stored entry is #3/],
    ["two entries have one seq", [one, two, rival], 2, /comes after #2: the chain forks here/],
    ["an entry is stored twice", [one, two, two], 2, /the chain forks here/],
    ["entries changed places", [one, three, two], 2, /is missing/],
    ["an entry was changed", [one, { ...two, run: "changed" }, three], 2, /does not match its hash/],
    [
      "an entry was changed and sealed anew",
      [one, resealed, three],
      3,
      /has prev "sha256:\w+", but the hash of the entry before it/,
    ],
    [
      "an entry is of another stream",
      [one, entryAfter(one, { stream: "control" })],
      2,
      /belongs to stream "control"/,
    ],
    [
      "the first entry names a predecessor",
      [entryAfter(undefined, { prev: digest("x") })],
      1,
      /is the first entry but has a prev/,
    ],
  ])("verification names the first bad entry if %s", async (_, entries, seq, problem) => {
    expect(await verifyEntries(entries)).toEqual({
      ok: false,
      seq,
      problem: expect.stringMatching(problem),
    })
  })

  test("keys that look like array indexes are valid in canonical order, which JavaScript does not keep", async () => {
    const standing = { ...EMPTY_STATE, latches: { 9: 1, 10: 2 } }
    const entry = entryAfter(undefined, { v: 1, standing } as never)
    expect(entryText(entry)).toContain('{"10":2,"9":1}')
    expect(await verifyEntries([entry])).toMatchObject({ ok: true })
  })

  test("verification names only the first of several bad entries", async () => {
    const entries = [one, { ...two, run: "changed" }, { ...three, run: "changed" }]
    expect(await verifyEntries(entries)).toMatchObject({ ok: false, seq: 2 })
  })
})

/** The entry with its members in reverse order, and the hash over exactly that text. */
function unsorted({ hash: _hash, ...members }: LedgerEntry): RawEntry {
  const reversed = Object.fromEntries(Object.entries(members).reverse())
  const hash = digestText(JSON.stringify(reversed))
  return { seq: members.seq, text: JSON.stringify({ hash, ...reversed }) }
}

describe("verifying the entries of a store", () => {
  const holding = (raws: RawEntry[]) => ({
    head: async () => raws.at(-1),
    append: async () => "conflict" as const,
    read: () => given(raws),
    streams: () => given([STREAM]),
    close: async () => {},
    create: async () => {},
    checkWritable: async () => {},
  })

  test.each<[string, RawEntry[], number, RegExp]>([
    ["a text that is not JSON", [rawOf(one), { seq: 2, text: "{" }], 2, /is not JSON/],
    [
      "a text stored under another seq",
      [rawOf(one), { seq: 2, text: entryText(three) }],
      2,
      /says its seq is 3/,
    ],
    [
      "a text that is not in canonical form",
      [{ seq: 1, text: ` ${entryText(one)}` }],
      1,
      /is not in canonical form/,
    ],
    ["a text that was sealed with its keys in another order", [unsorted(one)], 1, /does not match its hash/],
    [
      "a seq that is not a number",
      [rawOf(one), { seq: Number.NaN, text: entryText(two) }],
      Number.NaN,
      /says its seq/,
    ],
  ])("verification names %s and does not throw", async (_, raws, seq, problem) => {
    const verdict = await verifyStream(holding(raws), STREAM)
    expect(verdict).toEqual({ ok: false, seq, problem: expect.stringMatching(problem) })
  })
})
