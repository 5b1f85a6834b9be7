import { operatorCommand } from "../decision/explain/operator-command.ts"
import { cleanText } from "../decision/inputs/foreign-text.ts"
import { LedgerError } from "../ports.ts"

/** One entry as a store keeps it: its position in the stream and its canonical text, byte for byte. */
export interface RawEntry {
  seq: number
  text: string
}

/** Both bounds are inclusive. A missing bound means no limit. */
export interface SeqRange {
  fromSeq?: number
  toSeq?: number
}

/** A stream, and its newest seq that this process has seen; 0 if none. */
export interface HeadQuery {
  stream: string
  seqSeen: number
}

/** Newest text of one of several streams, or the reason why it cannot be read. */
export type HeadResult = { ok: true; raw: RawEntry | undefined } | { ok: false; cause: unknown }

/**
 * Storage for chains. It does not interpret the texts that it keeps. Every method but `protect` may throw any
 * error; `chain.ts` converts it to `LedgerError`.
 */
export interface LedgerStore {
  /** Newest text of the stream, undefined if it is empty; strongly consistent. */
  head(stream: string): Promise<RawEntry | undefined>
  /**
   * Newest texts of several streams, in the order of `queries`, with fewer queries than streams. Each read is
   * strongly consistent, and its failure affects only its own stream. If a store lacks this method, `head`
   * reads them one by one.
   */
  heads?(queries: readonly HeadQuery[]): Promise<HeadResult[]>
  /**
   * Writes only if nothing is stored at `raw.seq`. The chain has seen seq − 1 before it calls this. The text
   * is durable once this returns "appended". After a throw or "conflict" it is unknown whether this text was
   * written, because a response may have been lost.
   */
  append(stream: string, raw: RawEntry): Promise<"appended" | "conflict">
  /** Texts in order of seq; strongly consistent. */
  read(stream: string, range?: SeqRange): AsyncIterable<RawEntry>
  /** Each stream once, in no particular order. */
  streams(): AsyncIterable<string>
  close(): Promise<void>
  /** Creates a missing file or table, and does not change an existing one. Only `ledger init` may call it. */
  create(): Promise<void>
  /** Throws if an append could not succeed: no file or table, another key, read-only. Writes no entry. */
  checkWritable(): Promise<void>
  /**
   * Switches on backups of what `create` has just made, so that an older state can be restored after a human error.
   * Absent if the store has no such feature. Resolves to a message about the result for `ledger init`; null
   * if `create` made nothing or nothing is to be done. Does not throw.
   */
  protect?(): Promise<string | null>
  /** Only for a store whose server can be set up so that it loses acknowledged entries. */
  durability?(): Promise<Durability>
}

/** `ok` is true if an acknowledged entry survives the loss of one server, and null if that is unknown. */
export interface Durability {
  ok: boolean | null
  says: string
}

/** Error for a missing store. Reads treat it as an empty ledger; writes need `ledger init` first. */
export function noLedgerAt(place: string): LedgerError {
  return new LedgerError(
    `there is no ledger at ${place}; nothing was written. Check SUPERNODE_LEDGER and --ledger. ` +
      `To make a new one, run: ${operatorCommand.ledgerInit}`,
  )
}

/** LedgerError for a store's error. `what` describes the operation that failed. */
export function ledgerErrorOf(cause: unknown, what: string): LedgerError {
  return new LedgerError(`${what}: ${messageOf(cause)}`, { cause })
}

const MAX_MESSAGE_CHARS = 500

/**
 * Message of a thrown value as one line of printable characters, because a store is another program. Uses the
 * name if there is no message, as for some network errors.
 */
export function messageOf(thrown: unknown): string {
  return cleanText(
    thrown instanceof Error ? thrown.message || thrown.name : String(thrown),
    MAX_MESSAGE_CHARS,
  )
}
