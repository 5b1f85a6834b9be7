import type { RunMode } from "../decision/situation.ts"
import type { Control } from "../decision/state/control.ts"
import type { FleetState } from "../decision/state/fleet-reservations.ts"
import type { SupernodeState } from "../decision/state/state.ts"
import type { ChainEvent } from "../decision/transitions/ledger-event.ts"
import { canonicalMembers, canonicalText, digestText } from "../digest.ts"

/** Versions of the entry format that this program reads; it writes the last one. */
export const READ_VERSIONS = [1, 2] as const
export const WRITTEN_VERSION = 2

/**
 * One line of the audit trail. `hash` covers the canonical JSON of everything else; `prev` is the hash before. In `v: 2`
 * `confirmedAt` is always there, the policy is written once per stream, and long answers are compressed.
 */
export interface LedgerEntry extends ChainEvent {
  v: (typeof READ_VERSIONS)[number]
  /** `supernode:<id>`, `control` or `fleet`. */
  stream: string
  /** Random per entry, so that a writer recognizes its own write after a lost answer. */
  writer: string
  mode: RunMode
  /** The state after this entry: of the supernode, or of stream `control` or `fleet`. */
  standing: SupernodeState | Control | FleetState
  /** `""` for the first entry. */
  prev: string
  hash: string
}

export type EntryDraft = Omit<LedgerEntry, "v" | "hash">

/** 256 KB: what one entry may weigh as canonical text, so that every store can hold it. */
export const MAX_ENTRY_BYTES = 256 * 1024

/** What sealing adds to the text: `"hash":"sha256:` + 64 hex digits + `",` */
const SEAL_BYTES = 81

/** Texts of entries that this process sealed: stores keep them as they were hashed, so each is spelled out once. */
const sealedTexts = new WeakMap<LedgerEntry, string>()

/** Seals a draft: version, hash, and `confirmedAt: null` where no time was confirmed. Throws RangeError on an entry that is too big: no store would be sure to hold it. */
export function sealEntry(draft: EntryDraft, mostBytes = MAX_ENTRY_BYTES): LedgerEntry {
  const unsealed = { v: WRITTEN_VERSION as 2, confirmedAt: null, ...draft }
  const halves = spell(unsealed)
  const text = join(halves)
  const bytes = Buffer.byteLength(text) + SEAL_BYTES
  if (bytes > mostBytes) {
    throw new RangeError(
      `ledger entry ${draft.stream}#${draft.seq} would weigh ${bytes} bytes; at most ${mostBytes} are kept`,
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

/** The text that stores keep, and whether the hash fits it. What the hash covers is spelled out once for both. */
export function checkEntry(entry: LedgerEntry): { text: string; isIntact: boolean } {
  const known = sealedTexts.get(entry)
  if (known !== undefined) return { text: known, isIntact: true }
  const { hash, ...unsealed } = entry
  const halves = spell(unsealed)
  return { text: sealedText(halves, hash), isIntact: digestText(join(halves)) === hash }
}

/** True if the hash is that of the canonical text without its `hash` member. */
export function textFitsHash(text: string, hash: string): boolean {
  const seal = `"hash":${JSON.stringify(hash)},`
  // No entry can hold its own hash a second time, so the first place is the only one.
  const at = text.indexOf(seal)
  return at > 0 && digestText(text.slice(0, at) + text.slice(at + seal.length)) === hash
}

/** Canonical members before and after `hash`, without braces. */
interface Halves {
  before: string
  after: string
}

function spell(unsealed: object): Halves {
  const keys = Object.keys(unsealed).sort()
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
