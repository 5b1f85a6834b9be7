import type { LedgerStore, RawEntry, SeqRange } from "../../lib/ledger/store.ts"

/**
 * What goes wrong with one append:
 * `before`: it never arrives · `after`: it arrives, its answer is lost · `twice`: the client sends it again by itself and
 * reports the second one's failure · `late`: no answer, and it takes effect only when the next append is done.
 */
export type Fault = "before" | "after" | "twice" | "late"

/** A store whose appends and reads fail as told, in order; without a word it is a plain store. */
export class FaultyStore implements LedgerStore {
  /** How many appends were sent. */
  appends = 0
  readonly #inner: LedgerStore
  #faults: Fault[] = []
  #rival: { at: number; acts: () => Promise<unknown> } | undefined
  #goesBlind = false
  #late: (() => Promise<unknown>) | undefined

  constructor(inner: LedgerStore) {
    this.#inner = inner
  }

  /** The next appends go wrong like this. */
  failing(...faults: Fault[]): this {
    this.#faults = faults
    return this
  }

  /** Another writer does this right before that append arrives. */
  withRival(acts: () => Promise<unknown>, at = 1): this {
    this.#rival = { acts, at }
    return this
  }

  /** From the first append on nothing can be read. */
  blindAfterAppend(): this {
    this.#goesBlind = true
    return this
  }

  async append(stream: string, raw: RawEntry): Promise<"appended" | "conflict"> {
    this.appends += 1
    if (this.#rival?.at === this.appends) await this.#rival.acts()
    return this.#appendWith(this.#faults.shift(), stream, raw)
  }

  async #appendWith(fault: Fault | undefined, stream: string, raw: RawEntry) {
    const write = () => this.#inner.append(stream, raw)
    if (fault === "before") throw new Error("connection refused")
    if (fault === "late") {
      this.#late = write
      throw new Error("timed out")
    }
    const answer = await write()
    await this.#late?.()
    this.#late = undefined
    if (fault === "after") throw new Error("socket hang up")
    return fault === "twice" ? write() : answer
  }

  async head(stream: string): Promise<RawEntry | undefined> {
    this.#checkReadable()
    return this.#inner.head(stream)
  }

  async *read(stream: string, range?: SeqRange): AsyncIterable<RawEntry> {
    this.#checkReadable()
    yield* this.#inner.read(stream, range)
  }

  async *streams(): AsyncIterable<string> {
    this.#checkReadable()
    yield* this.#inner.streams()
  }

  async close(): Promise<void> {
    await this.#inner.close()
  }

  async create(): Promise<void> {
    await this.#inner.create()
  }

  async checkWritable(): Promise<void> {
    await this.#inner.checkWritable()
  }

  #checkReadable(): void {
    if (this.#goesBlind && this.appends > 0) throw new Error("no route to host")
  }
}
