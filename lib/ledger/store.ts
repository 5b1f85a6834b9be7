import { operatorCommand } from "../decision/explain/operator-command.ts"
import { cleanText } from "../decision/inputs/foreign-text.ts"
import { LedgerError } from "../ports.ts"

/** One entry as a store keeps it: its place in the stream and its canonical text, byte for byte. */
export interface RawEntry {
  seq: number
  text: string
}

/** Both bounds inclusive; a missing one is open. */
export interface SeqRange {
  fromSeq?: number
  toSeq?: number
}

/** A stream, and the newest seq that this process has seen of it; 0: none. */
export interface AskedHead {
  stream: string
  seqSeen: number
}

/** The newest text of one of several streams, or why it cannot be read. */
export type HeadAnswer = { ok: true; raw: RawEntry | undefined } | { ok: false; cause: unknown }

/**
 * What a store must do for a chain. It understands nothing of what it keeps.
 * Every method may throw; `chain.ts` turns what it throws into `LedgerError`.
 */
export interface LedgerStore {
  /** The newest text of the stream; strongly consistent. */
  head(stream: string): Promise<RawEntry | undefined>
  /**
   * The newest texts of several streams, in the order asked, by fewer questions than streams; each strongly consistent. One
   * that cannot be read concerns its own stream alone. Without it they are asked for one by one.
   */
  heads?(asked: readonly AskedHead[]): Promise<HeadAnswer[]>
  /**
   * Writes only if nothing is stored at `raw.seq`; the chain has seen seq − 1 before it asks. Durable once it says
   * "appended". After a throw or a "conflict" it is open whether this very text was written: the answer may be lost.
   */
  append(stream: string, raw: RawEntry): Promise<"appended" | "conflict">
  /** In order of seq; strongly consistent. */
  read(stream: string, range?: SeqRange): AsyncIterable<RawEntry>
  /** Every stream once, in no order. */
  streams(): AsyncIterable<string>
  close(): Promise<void>
  /** Creates what is missing: a file, a table. One that is there stays as it is. Only `ledger init` may ask for it. */
  create(): Promise<void>
  /** Throws where an append could not succeed: no such place, another key, read only. Writes no entry. */
  checkWritable(): Promise<void>
  /**
   * Only of a store that can keep older states of what `create` has just made, so that a mistake of people can be undone.
   * Resolves to what became of that, for `ledger init`; null: nothing was made, or nothing is to be done. Does not throw.
   */
  protect?(): Promise<string | null>
  /** Only of a store that can lose what it acknowledged, by how its server is set up. */
  durability?(): Promise<Durability>
}

/** Whether an acknowledged entry survives the loss of one server; `ok: null` if that is unknown. */
export interface Durability {
  ok: boolean | null
  says: string
}

/** The store is not there at all. Reading finds an empty ledger; writing needs `ledger init` first. */
export function noLedgerAt(place: string): LedgerError {
  return new LedgerError(
    `there is no ledger at ${place}; nothing was written. Check SUPERNODE_LEDGER and --ledger. ` +
      `To make a new one, run: ${operatorCommand.ledgerInit}`,
  )
}

/** A failure of the store as a LedgerError that says what was being tried. */
export function ledgerErrorOf(cause: unknown, what: string): LedgerError {
  return new LedgerError(`${what}: ${messageOf(cause)}`, { cause })
}

const MAX_MESSAGE_CHARS = 500

/** What a thrown thing says, as one visible line: a store is another program. Some errors of the network have only a name. */
export function messageOf(thrown: unknown): string {
  return cleanText(
    thrown instanceof Error ? thrown.message || thrown.name : String(thrown),
    MAX_MESSAGE_CHARS,
  )
}
