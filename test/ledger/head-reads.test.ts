import { describe, expect, it } from "vitest"
import { ledgerOver } from "../../lib/ledger/chain.ts"
import { openMemoryStore } from "../../lib/ledger/memory.ts"
import type { HeadQuery, LedgerStore } from "../../lib/ledger/store.ts"
import { LedgerBehindError, LedgerError } from "../../lib/ports.ts"
import { chainOf } from "./entries.ts"

/**
 * A store in memory that reads the heads of many streams at once, and returns them only when a test allows
 * it.
 */
function gatedStore() {
  const memory = openMemoryStore()
  const questions: { streams: string[]; answer: () => void }[] = []
  const heads = async (asked: readonly HeadQuery[]) => {
    const streams = asked.map(({ stream }) => stream)
    // The result is what is stored when the read begins. Only its return is delayed.
    const found = await Promise.all(streams.map((stream) => memory.head(stream)))
    await new Promise<void>((answer) => questions.push({ streams, answer }))
    return found.map((raw) => ({ ok: true as const, raw }))
  }
  const store: LedgerStore = { ...memory, heads }
  return { store, memory, questions }
}

const STREAMS = ["supernode:a", "supernode:b"]
/** Resolves when all reads that were requested have reached the store. */
const nextTurn = () => new Promise(setImmediate)

describe("heads that many runs read", () => {
  it("requests for heads in one turn of the event loop share one read of the store", async () => {
    const { store, questions } = gatedStore()
    const ledger = ledgerOver(store)
    const heads = Promise.all([...STREAMS, ...STREAMS].map((stream) => ledger.head(stream)))
    await nextTurn()
    expect(questions.map(({ streams }) => streams)).toEqual([STREAMS])
    questions[0]?.answer()
    expect(await heads).toEqual([undefined, undefined, undefined, undefined])
  })

  it("a head never comes from a read of the store that began before it was requested", async () => {
    const { store, memory, questions } = gatedStore()
    const ledger = ledgerOver(store)
    const readAll = () => Promise.all(STREAMS.map((stream) => ledger.head(stream)))
    const early = readAll()
    await nextTurn()
    const rival = ledgerOver(memory)
    for (const entry of chainOf(1, STREAMS[0])) await rival.append(entry)
    const late = readAll()
    await nextTurn()
    for (const { answer } of questions) answer()
    expect((await early).map((head) => head?.seq)).toEqual([undefined, undefined])
    expect((await late).map((head) => head?.seq)).toEqual([1, undefined])
  })

  it("heads share the next read of the store while four reads are under way", async () => {
    const { store, questions } = gatedStore()
    const ledger = ledgerOver(store)
    const reads: Promise<unknown>[] = []
    for (let nth = 0; nth < 7; nth++) {
      reads.push(...STREAMS.map((stream) => ledger.head(stream)))
      await nextTurn()
    }
    expect(questions).toHaveLength(4)
    questions[0]?.answer()
    await nextTurn()
    expect(questions).toHaveLength(5)
    for (const { answer } of questions) answer()
    await Promise.all(reads)
    expect(questions).toHaveLength(5)
  })

  it.each([31, 32, 33, 64, 65])(
    "heads of %i streams are read at most 32 at a time from a store that reads them one by one",
    async (count) => {
      const memory = openMemoryStore()
      let [reading, most] = [0, 0]
      const ledger = ledgerOver({
        ...memory,
        head: async (stream) => {
          reading += 1
          most = Math.max(most, reading)
          await Promise.resolve()
          reading -= 1
          return memory.head(stream)
        },
      })
      await Promise.all(Array.from({ length: count }, (_, nth) => ledger.head(`supernode:${nth}`)))
      expect(most).toBe(Math.min(count, 32))
    },
  )

  it("a changed or missing head fails only the read of its own stream", async () => {
    const { store, memory, questions } = gatedStore()
    const texts = new Map<string, string | null>()
    const ledger = ledgerOver({
      ...store,
      heads: async (asked) => {
        const heads = await Promise.all(asked.map(({ stream }) => memory.head(stream)))
        return heads.map((raw, nth) => {
          const text = texts.get(asked[nth]?.stream ?? "")
          if (text === undefined || raw === undefined) return { ok: true, raw }
          return { ok: true, raw: text === null ? undefined : { ...raw, text } }
        })
      },
    })
    const streams = ["supernode:good", "supernode:changed", "supernode:gone"]
    for (const stream of streams) for (const entry of chainOf(2, stream)) await ledger.append(entry)
    const read = () => Promise.allSettled(streams.map((stream) => ledger.head(stream)))
    expect((await read()).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled"])
    const changed = (await memory.head("supernode:changed"))?.text.replace("run-1", "run-2")
    texts.set("supernode:changed", changed ?? "").set("supernode:gone", null)
    const [good, other, gone] = await read()
    expect(good).toMatchObject({ status: "fulfilled", value: { seq: 2 } })
    expect(other).toMatchObject({ status: "rejected", reason: expect.any(LedgerError) })
    expect(gone).toMatchObject({ status: "rejected", reason: expect.any(LedgerBehindError) })
    expect(questions).toEqual([])
  })

  it("a head that cannot be read, or that the store leaves out, fails only the read of its own stream", async () => {
    const { store, memory } = gatedStore()
    const cause = new Error("throttled")
    const streams = ["supernode:good", "supernode:throttled", "supernode:forgotten"]
    const heads: LedgerStore["heads"] = async ([good]) => [
      { ok: true, raw: await memory.head(good?.stream ?? "") },
      { ok: false, cause },
    ]
    const ledger = ledgerOver({ ...store, heads })
    for (const entry of chainOf(1, streams[0])) await ledger.append(entry)
    const [good, throttled, forgotten] = await Promise.allSettled(streams.map((one) => ledger.head(one)))
    expect(good).toMatchObject({ status: "fulfilled", value: { seq: 1 } })
    expect(throttled).toMatchObject({ status: "rejected", reason: { name: "LedgerError", cause } })
    expect(forgotten).toMatchObject({ status: "rejected", reason: { name: "LedgerError" } })
  })
})
