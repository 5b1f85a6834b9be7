import { setImmediate as nextTurn } from "node:timers/promises"
import type { LedgerEntry } from "./entry.ts"
import { trustedEntry } from "./parse-entry.ts"
import type { HeadAnswer, LedgerStore, RawEntry } from "./store.ts"

// Reads of newest entries, many in one question to the store.
//
// A question begins only after everyone whom it serves has asked: it may be newer than they need, and never older. So a run
// that reads the head of stream `fleet`, and then all chains, gets chains that are at least as new as that head.

/** The newest entry of a stream, or why what is stored there is not believed. */
export type ReadHead = { ok: true; entry: LedgerEntry | undefined } | { ok: false; error: unknown }

interface Waiting {
  resolve(head: ReadHead): void
  reject(cause: unknown): void
}

/** Questions at the same time. What is asked beyond that shares the next one. */
const MAX_QUESTIONS = 4
/** Of heads that are read one by one; fewer than the connections that DynamoDB is asked over. */
const READS_AT_ONCE = 32
/** Checking a thousand entries takes long: after so many, others get their turn. */
const SLICE_ENTRIES = 32

export class HeadReads {
  readonly #store: LedgerStore
  readonly #seqSeen: (stream: string) => number
  readonly #checked = new CheckedTexts()
  #waiting = new Map<string, Waiting[]>()
  #underWay = 0
  #isPlanned = false

  /** `seqSeen`: the newest seq that this process has seen of a stream; 0: none. */
  constructor(store: LedgerStore, seqSeen: (stream: string) => number) {
    this.#store = store
    this.#seqSeen = seqSeen
  }

  /** Rejects with what the store throws. */
  read(stream: string): Promise<ReadHead> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(stream) ?? []
      waiting.push({ resolve, reject })
      this.#waiting.set(stream, waiting)
      this.#plan()
    })
  }

  /** Everyone who asks in the same turn is served by one question. */
  #plan(): void {
    if (this.#isPlanned || this.#underWay >= MAX_QUESTIONS || this.#waiting.size === 0) return
    this.#isPlanned = true
    queueMicrotask(() => {
      this.#isPlanned = false
      const served = this.#waiting
      this.#waiting = new Map()
      void this.#serve(served)
    })
  }

  async #serve(served: ReadonlyMap<string, readonly Waiting[]>): Promise<void> {
    const streams = [...served.keys()]
    this.#underWay += 1
    try {
      const heads = await this.#ask(streams)
      for (const [nth, stream] of streams.entries()) {
        if (nth > 0 && nth % SLICE_ENTRIES === 0) await nextTurn()
        this.#answer(stream, heads[nth] ?? NO_ANSWER, served.get(stream) ?? [])
      }
    } catch (cause) {
      for (const { reject } of [...served.values()].flat()) reject(cause)
    } finally {
      this.#underWay -= 1
      this.#plan()
    }
  }

  #answer(stream: string, answer: HeadAnswer, waiting: readonly Waiting[]): void {
    if (!answer.ok) {
      for (const { reject } of waiting) reject(answer.cause)
      return
    }
    const head = this.#checked.headOf(stream, answer.raw)
    for (const { resolve } of waiting) resolve(head)
  }

  async #ask(streams: readonly string[]): Promise<HeadAnswer[]> {
    const store = this.#store
    if (store.heads !== undefined && streams.length > 1)
      return store.heads(streams.map((stream) => ({ stream, seqSeen: this.#seqSeen(stream) })))
    return readOneByOne(streams, (stream) => store.head(stream))
  }
}

/** A store that forgets a stream has not said that it is empty. */
const NO_ANSWER: HeadAnswer = { ok: false, cause: new Error("the store gave no answer for it") }

/** Each by a question of its own, at most 32 at the same time; one that fails does so alone. */
export async function readOneByOne<T>(
  asked: readonly T[],
  read: (one: T) => Promise<RawEntry | undefined>,
): Promise<HeadAnswer[]> {
  const answers: HeadAnswer[] = []
  for (let from = 0; from < asked.length; from += READS_AT_ONCE) {
    const some = asked.slice(from, from + READS_AT_ONCE).map((one) => settledHead(read(one)))
    answers.push(...(await Promise.all(some)))
  }
  return answers
}

async function settledHead(reading: Promise<RawEntry | undefined>): Promise<HeadAnswer> {
  try {
    return { ok: true, raw: await reading }
  } catch (cause) {
    return { ok: false, cause }
  }
}

/** Characters of the texts whose entries are kept: some thousand entries. */
const MAX_KEPT_CHARS = 8_000_000

/** Entries by their texts: one that is read again, and is the same to the letter, is not checked again. */
class CheckedTexts {
  readonly #byStream = new Map<string, { text: string; entry: LedgerEntry }>()
  #chars = 0

  headOf(stream: string, raw: RawEntry | undefined): ReadHead {
    if (raw === undefined) return { ok: true, entry: undefined }
    const known = this.#byStream.get(stream)
    if (known?.text === raw.text && known.entry.seq === raw.seq) return { ok: true, entry: known.entry }
    try {
      const entry = trustedEntry(stream, raw)
      this.#keep(stream, { text: raw.text, entry })
      return { ok: true, entry }
    } catch (error) {
      return { ok: false, error }
    }
  }

  #keep(stream: string, checked: { text: string; entry: LedgerEntry }): void {
    this.#forget(stream)
    this.#byStream.set(stream, checked)
    this.#chars += checked.text.length
    for (const oldest of this.#byStream.keys()) {
      if (this.#chars <= MAX_KEPT_CHARS) break
      this.#forget(oldest)
    }
  }

  #forget(stream: string): void {
    this.#chars -= this.#byStream.get(stream)?.text.length ?? 0
    this.#byStream.delete(stream)
  }
}
