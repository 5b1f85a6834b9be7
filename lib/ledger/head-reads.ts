import { setImmediate as nextTurn } from "node:timers/promises"
import type { LedgerEntry } from "./entry.ts"
import { trustedEntry } from "./parse-entry.ts"
import type { HeadResult, LedgerStore, RawEntry } from "./store.ts"

// Combines many reads of newest entries into one query of the store.
//
// A query starts only after all of its callers have asked, so its result may be newer than they need but
// never older. If a run reads the head of stream `fleet` and then all chains, the chains are at least as new
// as that head.

/** Newest entry of a stream, or the reason why the stored text cannot be trusted. */
export type ReadHead = { ok: true; entry: LedgerEntry | undefined } | { ok: false; error: unknown }

interface Waiting {
  resolve(head: ReadHead): void
  reject(cause: unknown): void
}

/** Maximum concurrent queries. Further reads wait, and then share the next query. */
const MAX_QUERIES = 4
/** Maximum concurrent reads if heads are read one by one; fewer than the connections to DynamoDB. */
const READS_AT_ONCE = 32
/** Entries that are checked before other work gets a turn, because checking a thousand takes long. */
const SLICE_ENTRIES = 32

export class HeadReads {
  readonly #store: LedgerStore
  readonly #seqSeen: (stream: string) => number
  readonly #checked = new CheckedTexts()
  #waiting = new Map<string, Waiting[]>()
  #underWay = 0
  #isPlanned = false

  /** `seqSeen` returns the newest seq that this process has seen of a stream; 0 if none. */
  constructor(store: LedgerStore, seqSeen: (stream: string) => number) {
    this.#store = store
    this.#seqSeen = seqSeen
  }

  /** Newest entry of a stream. Rejects with the store's own error. */
  read(stream: string): Promise<ReadHead> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(stream) ?? []
      waiting.push({ resolve, reject })
      this.#waiting.set(stream, waiting)
      this.#plan()
    })
  }

  /** Starts one query for all reads of the same turn of the event loop. */
  #plan(): void {
    if (this.#isPlanned || this.#underWay >= MAX_QUERIES || this.#waiting.size === 0) return
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

  #answer(stream: string, answer: HeadResult, waiting: readonly Waiting[]): void {
    if (!answer.ok) {
      for (const { reject } of waiting) reject(answer.cause)
      return
    }
    const head = this.#checked.headOf(stream, answer.raw)
    for (const { resolve } of waiting) resolve(head)
  }

  async #ask(streams: readonly string[]): Promise<HeadResult[]> {
    const store = this.#store
    if (store.heads !== undefined && streams.length > 1)
      return store.heads(streams.map((stream) => ({ stream, seqSeen: this.#seqSeen(stream) })))
    return readOneByOne(streams, (stream) => store.head(stream))
  }
}

/** Result for a stream that the store's response lacks, which does not prove that the stream is empty. */
const NO_ANSWER: HeadResult = { ok: false, cause: new Error("the store returned no result for it") }

/** Reads each head with its own query, at most 32 concurrently. A failure affects only its own head. */
export async function readOneByOne<T>(
  queries: readonly T[],
  read: (one: T) => Promise<RawEntry | undefined>,
): Promise<HeadResult[]> {
  const answers: HeadResult[] = []
  for (let from = 0; from < queries.length; from += READS_AT_ONCE) {
    const some = queries.slice(from, from + READS_AT_ONCE).map((one) => settledHead(read(one)))
    answers.push(...(await Promise.all(some)))
  }
  return answers
}

async function settledHead(reading: Promise<RawEntry | undefined>): Promise<HeadResult> {
  try {
    return { ok: true, raw: await reading }
  } catch (cause) {
    return { ok: false, cause }
  }
}

/** Maximum total length of the cached texts, in characters: 1,000 entries of 8,000 characters. */
const MAX_KEPT_CHARS = 8_000_000

/** Cache of each stream's newest entry. An entry that is read again with an equal text is not rechecked. */
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
