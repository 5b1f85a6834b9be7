import type { RunMode } from "../decision/situation.ts"
import type { Control } from "../decision/state/control.ts"
import type { FleetStanding } from "../decision/state/fleet-reservations.ts"
import type { Standing } from "../decision/state/state.ts"
import type { ChainEvent } from "../decision/transitions/ledger-event.ts"
import { canonicalText, digestText } from "../digest.ts"

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
  standing: Standing | Control | FleetStanding
  /** `""` for the first entry. */
  prev: string
  hash: string
}

export type EntryDraft = Omit<LedgerEntry, "v" | "hash">

/** 256 KB: what one entry may weigh as canonical text, so that every store can hold it. */
export const MAX_ENTRY_BYTES = 256 * 1024

/** What sealing adds to the text: `"hash":"sha256:` + 64 hex digits + `",` */
const SEAL_BYTES = 81

/** Seals a draft: version, hash, and `confirmedAt: null` where no time was confirmed. Throws RangeError on an entry that is too big: no store would be sure to hold it. */
export function sealEntry(draft: EntryDraft, mostBytes = MAX_ENTRY_BYTES): LedgerEntry {
  const unsealed = { v: WRITTEN_VERSION as 2, confirmedAt: null, ...draft }
  const text = canonicalText(unsealed)
  const bytes = Buffer.byteLength(text) + SEAL_BYTES
  if (bytes > mostBytes) {
    throw new RangeError(
      `ledger entry ${draft.stream}#${draft.seq} would weigh ${bytes} bytes; at most ${mostBytes} are kept`,
    )
  }
  return { ...unsealed, hash: digestText(text) }
}

/** The canonical text that stores keep. */
export function entryText(entry: LedgerEntry): string {
  return canonicalText(entry)
}

/** Does the hash fit the content? */
export function entryIsIntact(entry: LedgerEntry): boolean {
  return checkEntry(entry).isIntact
}

/** The text that stores keep, and whether the hash fits it. What the hash covers is spelled out once for both. */
export function checkEntry({ hash, ...unsealed }: LedgerEntry): { text: string; isIntact: boolean } {
  const members = Object.entries(unsealed)
  const spell = (part: typeof members) => canonicalText(Object.fromEntries(part)).slice(1, -1)
  const before = spell(members.filter(([key]) => key < "hash"))
  const after = spell(members.filter(([key]) => key > "hash"))
  const join = (parts: string[]) => `{${parts.filter((part) => part !== "").join(",")}}`
  return {
    text: join([before, canonicalText({ hash }).slice(1, -1), after]),
    isIntact: digestText(join([before, after])) === hash,
  }
}
