import type { Control, Said } from "../decision/control.ts"
import type { Decision } from "../decision/decision.ts"
import type { Outcome } from "../decision/outcome.ts"
import type { ScaleUpPlan } from "../decision/plan.ts"
import type { Signal } from "../decision/signal.ts"
import type { RunMode, Situation } from "../decision/situation.ts"
import type { AttemptRecord, Observation, Standing } from "../decision/standing.ts"
import { canonicalText, digestText } from "../digest.ts"

/** `decided` a hold, or a yes that observe mode did not act on · `opened` · `settled` · `observed` · `said`. */
export type EntryKind = "decided" | "opened" | "settled" | "observed" | "said"

/** One line of the audit trail. `hash` covers the canonical JSON of everything else; `prev` is the hash before. */
export interface LedgerEntry {
  v: 1
  /** `supernode:<id>`, `control` or `fleet`. */
  stream: string
  /** 1, 2, 3 … without a gap. */
  seq: number
  /** Epoch milliseconds, like every instant here and in the cloud's own API. */
  at: number
  run: string
  /** Random per entry, so that a writer recognizes its own write after a lost answer. */
  writer: string
  kind: EntryKind
  mode: RunMode
  signal?: Signal
  policyHash?: string
  decision?: Decision
  /** What `decide` read, without `standing`: that is the one of the entry before. */
  situation?: Omit<Situation, "standing">
  plan?: ScaleUpPlan
  attempt?: AttemptRecord
  outcome?: Outcome
  observation?: Observation
  said?: Said
  /** The state after this entry: of the supernode, or of stream `control`. */
  standing: Standing | Control
  /** `""` for the first entry. */
  prev: string
  hash: string
}

export type EntryDraft = Omit<LedgerEntry, "v" | "hash">

/** 256 KB: what one entry may weigh as canonical text, so that every store can hold it. */
export const MAX_ENTRY_BYTES = 256 * 1024

/** What sealing adds to the text: `"hash":"sha256:` + 64 hex digits + `",` */
const SEAL_BYTES = 81

/** Seals a draft: version, hash. Throws RangeError on an entry that no store would be sure to hold. */
export function sealEntry(draft: EntryDraft): LedgerEntry {
  const unsealed = { v: 1 as const, ...draft }
  const text = canonicalText(unsealed)
  const bytes = Buffer.byteLength(text) + SEAL_BYTES
  if (bytes > MAX_ENTRY_BYTES) {
    throw new RangeError(
      `ledger entry ${draft.stream}#${draft.seq} would weigh ${bytes} bytes; at most ${MAX_ENTRY_BYTES} are kept`,
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
  const { hash, ...unsealed } = entry
  return digestText(canonicalText(unsealed)) === hash
}
