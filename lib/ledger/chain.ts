import { type Ledger, LedgerError } from "../ports.ts"
import type { Anchor } from "./anchor.ts"
import { checkEntry, type LedgerEntry, MAX_ENTRY_BYTES, WRITTEN_VERSION } from "./entry.ts"
import { HeadReads } from "./head-reads.ts"
import { behindError, NewestSeen } from "./newest-seen.ts"
import { CONTROL_STREAM } from "./next-entry.ts"
import { distrust, trustedEntry } from "./parse-entry.ts"
import {
  type Durability,
  type LedgerStore,
  ledgerErrorOf,
  messageOf,
  type RawEntry,
  type SeqRange,
} from "./store.ts"
import { CHAIN_START, type Link, linkProblem, type Verification, verifyStream } from "./verify.ts"
import { type LedgerVerification, verifyLedger } from "./verify-ledger.ts"

/** A ledger whose chains can be checked from end to end. */
export interface AuditedLedger extends Ledger {
  /** Checks each entry of a stream, its hash and its link. Throws LedgerError if the store is unreadable. */
  verify(stream: string): Promise<Verification>
  /**
   * Checks all streams, also against each other and against the anchor. Throws LedgerError if the store is
   * unreadable.
   */
  verifyAll(anchor?: Anchor | null): Promise<LedgerVerification>
  /** Creates what the store needs and does not have yet. Only `ledger init` may call it. */
  create(): Promise<void>
  /**
   * Switches on backups of what `create` made, so that an older state can be restored. Resolves to a message about the result, or null
   * if there was nothing to do. Only `ledger init` may call it.
   */
  protect(): Promise<string | null>
  /** Throws LedgerError if an append could not succeed. Writes no entry. */
  checkWritable(): Promise<void>
  /** Durability of acknowledged entries; null if the store does not report it. Throws LedgerError. */
  durability(): Promise<Durability | null>
}

/**
 * Turns a store of texts into a ledger. Checks every entry before a write and after a read. If the response
 * to a write is lost, it finds out whether the entry was written.
 */
export function ledgerOver(store: LedgerStore): AuditedLedger {
  return new Chain(store)
}

/** Maximum writes for one append. All are conditional and have one random `writer`: at most one succeeds. */
const WRITE_TRIES = 3

type WriteAnswer =
  | { kind: "appended" }
  | { kind: "conflict"; why: string }
  | { kind: "none"; why: string; cause: unknown }

class Chain implements AuditedLedger {
  readonly #store: LedgerStore
  /** Entries never change, so an append after one of these need not read it again. */
  readonly #newest = new NewestSeen()
  /** Streams that lost an entry which this process saw. Appends to them read the previous entry again. */
  readonly #behind = new Set<string>()
  readonly #heads: HeadReads
  readonly #given = new WeakSet<LedgerEntry>()
  #isProvenWritable = false

  constructor(store: LedgerStore) {
    this.#store = store
    this.#heads = new HeadReads(store, (stream) => this.#newest.of(stream).seq)
  }

  async head(stream: string): Promise<LedgerEntry | undefined> {
    // Of two concurrent reads, the older head may arrive last. So the head is compared only with entries that were seen before this read began.
    const floor = this.#newest.of(stream)
    const { restoredAt } = this.#newest
    const head = await this.#readHead(stream)
    const isRestored = stream === CONTROL_STREAM && this.#newest.learnRestore(head)
    if (!isRestored && (await this.#isBehind(stream, floor, head))) {
      if (stream !== CONTROL_STREAM) this.#newest.learnRestore(await this.#readHead(CONTROL_STREAM))
      if (this.#newest.restoredAt === restoredAt) {
        this.#behind.add(stream)
        throw behindError(stream, floor, head)
      }
    }
    this.#behind.delete(stream)
    if (head) this.#newest.remember(head)
    return head
  }

  async #readHead(stream: string): Promise<LedgerEntry | undefined> {
    const unread = `the newest entry of ${stream} cannot be read`
    const head = await this.#ask(unread, () => this.#heads.read(stream))
    if (!head.ok) throw head.error
    return head.entry
  }

  /** True if the store no longer holds entry `floor`. Reads it only if two or more entries follow it. */
  async #isBehind(stream: string, floor: Link, head: LedgerEntry | undefined): Promise<boolean> {
    if (floor.seq === 0) return false
    if (head === undefined || head.seq < floor.seq) return true
    if (head.seq === floor.seq) return head.hash !== floor.hash
    if (head.seq === floor.seq + 1) return head.prev !== floor.hash
    const unread = `entry ${stream}#${floor.seq} cannot be read`
    return (await this.#at(stream, floor.seq, unread))?.hash !== floor.hash
  }

  /**
   * Cannot leave a gap: the previous entry was seen in the store, entries are never removed, and the store
   * accepts only one text per seq.
   */
  async append(entry: LedgerEntry): Promise<"appended" | "conflict"> {
    const raw = checkedText(entry)
    if (this.#isTaken(entry)) return "conflict"
    if (entry.kind === "opened") await this.#proveWritable()
    return (await this.#entryBeforeIsStored(entry)) ? this.#write(entry, raw) : "conflict"
  }

  /**
   * True if another entry is known to have this seq. Entries are never removed, so this needs no read. False
   * if this entry was passed to `append` before, because then it may itself be the stored one.
   */
  #isTaken(entry: LedgerEntry): boolean {
    const isNew = !this.#given.has(entry)
    this.#given.add(entry)
    return isNew && !this.#behind.has(entry.stream) && this.#newest.of(entry.stream).seq >= entry.seq
  }

  /** Runs before the first attempt of this process: an unwritable store must be found before money is spent. */
  async #proveWritable(): Promise<void> {
    if (this.#isProvenWritable) return
    await this.checkWritable()
    this.#isProvenWritable = true
  }

  /**
   *        ┌───────── nothing there after no answer, tries left ──────────┐
   *        ▼                                                              │
   *   write if absent ──"conflict" or no answer──▶ read that seq again ───┤
   *        │                                          ├ same hash ──────▶ appended
   *        └─"appended"──▶ appended                   ├ another hash ───▶ conflict
   *                                                   ├ nothing there after "conflict" ─▶ conflict
   *                                                   └ unreadable, or no tries left ───▶ throw
   *
   * After a throw the write may still arrive late. The entry then looks like an attempt in flight and causes
   * holds. No run buys for it, because a run continues only after "appended".
   */
  async #write(entry: LedgerEntry, raw: RawEntry): Promise<"appended" | "conflict"> {
    const name = `ledger entry ${entry.stream}#${entry.seq}`
    for (let tries = 1; ; tries++) {
      const answer = await this.#tryWrite(entry.stream, raw)
      if (answer.kind === "appended") return this.#appended(entry)
      const unsure = `it is unknown whether ${name} was written (${answer.why}), and it cannot be read back`
      const stored = await this.#at(entry.stream, entry.seq, unsure)
      if (stored?.hash === entry.hash) return this.#appended(entry)
      if (stored !== undefined || answer.kind === "conflict") return "conflict"
      if (tries === WRITE_TRIES) throw ledgerErrorOf(answer.cause, `${name} cannot be written`)
    }
  }

  async #tryWrite(stream: string, raw: RawEntry): Promise<WriteAnswer> {
    try {
      const kind = await this.#store.append(stream, raw)
      return kind === "appended" ? { kind } : { kind, why: "the store reports that this number is taken" }
    } catch (cause) {
      return { kind: "none", why: messageOf(cause), cause }
    }
  }

  async *read(stream: string, range: SeqRange = {}): AsyncIterable<LedgerEntry> {
    const start = Math.max(1, range.fromSeq ?? 1) - 1
    // If the range starts later, the previous hash is not read, so the first link is not checked.
    let before: Link | undefined = start === 0 ? CHAIN_START : undefined
    try {
      for await (const raw of this.#store.read(stream, range)) {
        const entry = trustedEntry(stream, raw)
        const problem = linkProblem(before ?? { seq: start, hash: entry.prev }, entry)
        if (problem !== null) throw distrust(stream, entry.seq, problem)
        before = entry
        yield entry
      }
    } catch (error) {
      throw ledgerErrorOf(error, `the entries of ${stream} cannot be read`)
    }
  }

  async *streams(): AsyncIterable<string> {
    try {
      yield* this.#store.streams()
    } catch (error) {
      throw ledgerErrorOf(error, "the streams of the ledger cannot be listed")
    }
  }

  async verify(stream: string): Promise<Verification> {
    return this.#ask(`the entries of ${stream} cannot be read`, () => verifyStream(this.#store, stream))
  }

  async verifyAll(anchor: Anchor | null = null): Promise<LedgerVerification> {
    return this.#ask("the entries of the ledger cannot be read", () => verifyLedger(this.#store, anchor))
  }

  async create(): Promise<void> {
    await this.#ask("the ledger cannot be created", () => this.#store.create())
  }

  async protect(): Promise<string | null> {
    return this.#store.protect ? this.#store.protect() : null
  }

  async checkWritable(): Promise<void> {
    await this.#ask("the ledger cannot be written", () => this.#store.checkWritable())
  }

  async durability(): Promise<Durability | null> {
    return this.#ask("the durability settings of the ledger's server cannot be read", async () =>
      this.#store.durability ? this.#store.durability() : null,
    )
  }

  async close(): Promise<void> {
    await this.#ask("the ledger cannot be closed", () => this.#store.close())
  }

  async #entryBeforeIsStored(entry: LedgerEntry): Promise<boolean> {
    if (entry.seq === 1) return true
    const seen = this.#behind.has(entry.stream) ? CHAIN_START : this.#newest.of(entry.stream)
    const unread = `the entry before ${entry.stream}#${entry.seq} cannot be read`
    const before = seen.seq === entry.seq - 1 ? seen : await this.#at(entry.stream, entry.seq - 1, unread)
    if (before === undefined) return false
    const problem = linkProblem(before, entry)
    if (problem === null) return true
    throw new LedgerError(`ledger entry ${entry.stream}#${entry.seq} was not written: it ${problem}`)
  }

  async #at(stream: string, seq: number, otherwise: string): Promise<LedgerEntry | undefined> {
    return this.#ask(otherwise, async () => {
      for await (const raw of this.#store.read(stream, { fromSeq: seq, toSeq: seq })) {
        return trustedEntry(stream, { seq, text: raw.text })
      }
      return undefined
    })
  }

  #appended(entry: LedgerEntry): "appended" {
    this.#newest.remember(entry)
    return "appended"
  }

  async #ask<T>(otherwise: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw ledgerErrorOf(error, otherwise)
    }
  }
}

const STREAM = /^(?:control|fleet|supernode:\S{1,200})$/

/** Text to store. Throws LedgerError with all problems: an invalid entry is a bug in this program. */
function checkedText(entry: LedgerEntry): RawEntry {
  const { text, isIntact } = checkEntry(entry)
  const bytes = Buffer.byteLength(text)
  const first = { seq: CHAIN_START.seq + 1, prev: CHAIN_START.hash }
  const problems = [
    STREAM.test(entry.stream) ? null : "its stream is not supernode:<id>, control or fleet",
    Number.isSafeInteger(entry.seq) && entry.seq >= first.seq ? null : "its seq is not 1, 2, 3 …",
    entry.seq !== first.seq || entry.prev === first.prev ? null : "it is the first entry but has a prev hash",
    entry.v === WRITTEN_VERSION ? null : `its version is not ${WRITTEN_VERSION}`,
    isIntact ? null : "it does not match its hash",
    bytes <= MAX_ENTRY_BYTES ? null : `it has ${bytes} bytes, the maximum is ${MAX_ENTRY_BYTES}`,
  ].filter((problem) => problem !== null)
  if (problems.length === 0) return { seq: entry.seq, text }
  throw new LedgerError(`ledger entry ${entry.stream}#${entry.seq} was not written: ${problems.join("; ")}`)
}
