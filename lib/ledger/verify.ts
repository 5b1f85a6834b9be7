import { entryText, type LedgerEntry } from "./entry.ts"
import { parseEntry } from "./parse-entry.ts"
import type { LedgerStore, RawEntry } from "./store.ts"

/** `head` is the newest entry's hash, null for an empty chain; noted elsewhere, it also tells of entries cut off the end. */
export type Verification = { ok: true; entries: number; head: string | null } | BadEntry

/** The first entry that is wrong or missing, and what is wrong: reads on from "entry #seq …". */
export interface BadEntry {
  ok: false
  seq: number
  problem: string
}

/** Where a chain stands: what the next entry must follow. */
export interface Link {
  seq: number
  hash: string
}

/** What the first entry follows. */
export const CHAIN_START: Link = { seq: 0, hash: "" }

/** Why `next` is not the one after `before`; null where it is. */
export function linkProblem(before: Link, next: { seq: number; prev: string }): string | null {
  if (next.seq <= before.seq) return `comes after #${before.seq}: the chain forks here`
  if (next.seq > before.seq + 1) return `follows #${before.seq}: there is a gap before it`
  if (next.prev === before.hash) return null
  return before.seq === 0
    ? "is the first and yet names an entry before it"
    : `names ${JSON.stringify(next.prev)} as the hash of the entry before it, which is ${before.hash}`
}

/** Checks one stream of a store from its first entry on. Throws only when the store itself cannot be read. */
export async function verifyStream(store: LedgerStore, stream: string): Promise<Verification> {
  return verifyTexts(store.read(stream), stream)
}

/** Checks entries of one chain in order, wherever they come from: an export, a backup. */
export async function verifyChain(entries: AsyncIterable<LedgerEntry>): Promise<Verification> {
  return verifyTexts(textsOf(entries))
}

async function verifyTexts(
  texts: AsyncIterable<RawEntry & { stream?: string }>,
  stream?: string,
): Promise<Verification> {
  let chain = stream
  let before = CHAIN_START
  for await (const raw of texts) {
    chain ??= raw.stream ?? ""
    const step = nextLink(chain, before, raw)
    if (!step.ok) return step
    before = step.link
  }
  return { ok: true, entries: before.seq, head: before.seq === 0 ? null : before.hash }
}

type Step = { ok: true; link: Link } | BadEntry

function nextLink(stream: string, before: Link, raw: RawEntry): Step {
  // A missing entry is named itself, since the one after it may be perfectly sound.
  if (raw.seq > before.seq + 1) {
    return { ok: false, seq: before.seq + 1, problem: `is missing; the next one stored is #${raw.seq}` }
  }
  const parsed = parseEntry(stream, raw)
  if (!parsed.ok) return { ok: false, seq: raw.seq, problem: parsed.problem }
  const problem = linkProblem(before, parsed.entry)
  return problem === null ? { ok: true, link: parsed.entry } : { ok: false, seq: raw.seq, problem }
}

async function* textsOf(entries: AsyncIterable<LedgerEntry>): AsyncIterable<RawEntry & { stream?: string }> {
  for await (const entry of entries) yield { seq: entry.seq, text: entryText(entry), stream: entry.stream }
}
