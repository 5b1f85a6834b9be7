import type { LedgerStore, RawEntry, SeqRange } from "../../lib/ledger/store.ts"

/**
 * Fault of one append:
 * `before`: it never arrives · `after`: it arrives, but its response is lost · `twice`: the client repeats it
 * by itself and reports the failure of the second · `late`: no response, and it takes effect only after the
 * next append.
 */
export type Fault = "before" | "after" | "twice" | "late"

/** A store whose appends and reads fail as configured, in order. By default none fails. */
export class FaultyStore implements LedgerStore {
  /** Number of appends that were sent. */
  appends = 0
  readonly #inner: LedgerStore
  #faults: Fault[] = []
  #rival: { at: number; acts: () => Promise<unknown> } | undefined
  #goesBlind = false
  #late: (() => Promise<unknown>) | undefined

  constructor(inner: LedgerStore) {
    this.#inner = inner
  }

  /** Sets the faults of the next appends. */
  failing(...faults: Fault[]): this {
    this.#faults = faults
    return this
  }

  /** Lets another writer act right before append number `at` arrives. */
  withRival(acts: () => Promise<unknown>, at = 1): this {
    this.#rival = { acts, at }
    return this
  }

  /** Makes all reads fail from the first append on. */
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
