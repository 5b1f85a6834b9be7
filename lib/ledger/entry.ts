import type { RunMode } from "../decision/situation.ts"
import type { Control } from "../decision/state/control.ts"
import type { FleetState } from "../decision/state/fleet-reservations.ts"
import type { SupernodeState } from "../decision/state/state.ts"
import type { ChainEvent } from "../decision/transitions/ledger-event.ts"
import { canonicalMembers, canonicalText, digestText, sortedKeys } from "../digest.ts"

/** Versions of the entry format that this program reads; it writes the last one. */
export const READ_VERSIONS = [1, 2] as const
export const WRITTEN_VERSION = 2

/**
 * One entry of the audit trail. `hash` covers the canonical JSON of all other fields; `prev` is the hash of
 * the previous entry. An entry of `v: 2` always has `confirmedAt`. It has a policy only if its stream does
 * not hold that policy yet, and it compresses long answers.
 */
export interface LedgerEntry extends ChainEvent {
  v: (typeof READ_VERSIONS)[number]
  /** `supernode:<id>`, `control` or `fleet`. */
  stream: string
  /** Random per entry, so that a writer recognizes its own write after a lost response. */
  writer: string
  mode: RunMode
  /** State of the supernode, or of stream `control` or `fleet`, after this entry. */
  standing: SupernodeState | Control | FleetState
  /** `""` for the first entry. */
  prev: string
  hash: string
}

export type EntryDraft = Omit<LedgerEntry, "v" | "hash">

/** Maximum size of an entry's canonical text: 256 KB, so that every store can hold it. */
export const MAX_ENTRY_BYTES = 256 * 1024

/** Bytes that sealing adds to the text: `"hash":"sha256:` + 64 hex digits + `",` */
const SEAL_BYTES = 81

/** Texts of the entries that this process sealed. A store keeps the hashed text, so it is built only once. */
const sealedTexts = new WeakMap<LedgerEntry, string>()

/**
 * Seals a draft: adds the version, the hash, and `confirmedAt: null` if no time was confirmed. Throws
 * RangeError if the entry has more than `maxBytes`, because not every store could hold it.
 */
export function sealEntry(draft: EntryDraft, maxBytes = MAX_ENTRY_BYTES): LedgerEntry {
  const unsealed = { v: WRITTEN_VERSION as 2, confirmedAt: null, ...draft }
  const halves = spell(unsealed)
  const text = join(halves)
  const bytes = Buffer.byteLength(text) + SEAL_BYTES
  if (bytes > maxBytes) {
    throw new RangeError(
      `ledger entry ${draft.stream}#${draft.seq} would have ${bytes} bytes; the maximum is ${maxBytes}`,
    )
  }
  const entry = { ...unsealed, hash: digestText(text) }
  sealedTexts.set(entry, sealedText(halves, entry.hash))
  return entry
}

/** The canonical text that stores keep. */
export function entryText(entry: LedgerEntry): string {
  return canonicalText(entry)
}

/** Text that stores keep, and a check of the hash. Builds the canonical text only once for both. */
export function checkEntry(entry: LedgerEntry): { text: string; isIntact: boolean } {
  const known = sealedTexts.get(entry)
  if (known !== undefined) return { text: known, isIntact: true }
  const { hash, ...unsealed } = entry
  const halves = spell(unsealed)
  return { text: sealedText(halves, hash), isIntact: digestText(join(halves)) === hash }
}

/** True if `hash` is the hash of the canonical text without its `hash` member. */
export function textFitsHash(text: string, hash: string): boolean {
  const seal = `"hash":${JSON.stringify(hash)},`
  // No entry can contain its own hash a second time, so the first match is the only one.
  const at = text.indexOf(seal)
  return at > 0 && digestText(text.slice(0, at) + text.slice(at + seal.length)) === hash
}

/** Canonical members before and after `hash`, without braces. */
interface Halves {
  before: string
  after: string
}

function spell(unsealed: object): Halves {
  const keys = sortedKeys(unsealed)
  return {
    before: canonicalMembers(
      unsealed,
      keys.filter((key) => key < "hash"),
    ),
    after: canonicalMembers(
      unsealed,
      keys.filter((key) => key > "hash"),
    ),
  }
}

function sealedText({ before, after }: Halves, hash: string): string {
  return join({
    before: [before, `"hash":${JSON.stringify(hash)}`].filter((part) => part !== "").join(","),
    after,
  })
}

function join({ before, after }: Halves): string {
  return `{${[before, after].filter((part) => part !== "").join(",")}}`
}
