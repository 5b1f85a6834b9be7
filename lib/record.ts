import { type Control, NO_CONTROL } from "./decision/control.ts"
import { fold } from "./decision/fold.ts"
import type { Outcome } from "./decision/outcome.ts"
import { EMPTY_STANDING, type Standing } from "./decision/standing.ts"
import { type EntryDraft, type LedgerEntry, sealEntry } from "./ledger/entry.ts"

/** What is new in an entry; its place in the chain and the standing after it follow from the head. */
export type EntryNews = Omit<EntryDraft, "stream" | "seq" | "prev" | "standing">

export const CONTROL_STREAM = "control"

export function supernodeStream(id: string): string {
  return `supernode:${id}`
}

export function standingOf(head: LedgerEntry | undefined): Standing {
  return head ? (head.standing as Standing) : EMPTY_STANDING
}

export function controlOf(head: LedgerEntry | undefined): Control {
  return head ? (head.standing as Control) : NO_CONTROL
}

/** The next entry of a supernode's chain: news folded onto the head's standing, and sealed. RangeError if too big. */
export function nextEntry(stream: string, head: LedgerEntry | undefined, news: EntryNews): LedgerEntry {
  const seq = (head?.seq ?? 0) + 1
  return sealEntry({
    ...news,
    stream,
    seq,
    prev: head?.hash ?? "",
    standing: fold(standingOf(head), { ...news, seq }),
  })
}

/** An outcome must always fit: its raw answer is halved until the entry does. */
export function nextSettlement(
  stream: string,
  head: LedgerEntry | undefined,
  news: EntryNews & { outcome: Outcome },
): LedgerEntry {
  try {
    return nextEntry(stream, head, news)
  } catch (error) {
    const { outcome } = news
    if (
      !(error instanceof RangeError) ||
      outcome.kind === "not-sent" ||
      !outcome.raw ||
      outcome.raw.body === ""
    )
      throw error
    const body = outcome.raw.body.slice(0, Math.floor(outcome.raw.body.length / 2))
    return nextSettlement(stream, head, {
      ...news,
      outcome: { ...outcome, raw: { ...outcome.raw, body, truncated: true } },
    })
  }
}

/** The same, but what is too much to keep of a situation is left out, readings first. RangeError if still too big. */
export function nextDecision(stream: string, head: LedgerEntry | undefined, news: EntryNews): LedgerEntry {
  const { situation, ...bare } = news
  const readings = {
    state: "unreadable" as const,
    why: "too much to keep in one ledger entry",
    credentials: false,
  }
  // An attempt needs what it saw: the servers before it tell the new ones later. A hold can do without.
  const smaller = [
    news,
    ...(situation ? [{ ...news, situation: { ...situation, readings } }] : []),
    ...(news.kind === "decided" ? [bare] : []),
  ]
  for (const candidate of smaller.slice(0, -1)) {
    try {
      return nextEntry(stream, head, candidate)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
  }
  return nextEntry(stream, head, smaller.at(-1) ?? news)
}
