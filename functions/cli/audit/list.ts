import { visibleIn } from "../../../lib/decision/inputs/foreign-text.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import type { AuditedLedger } from "../../../lib/ledger/open.ts"
import { type Task, withLedger } from "../context.ts"
import { requireAnyLedger } from "../known-ledger.ts"
import { causeOf, priceOf, requesterOf, sayWhy } from "../print/cause.ts"
import { sayEntry } from "../print/entry.ts"
import { tableOf } from "../print/table.ts"
import { instantOf, inZone } from "../print/time.ts"
import { repeatUntilStopped } from "../repeat.ts"
import { type PolicyAtHand, policyAtHand } from "../state/in-flight.ts"
import { allStreams, streamName, streamOf } from "./streams.ts"

export interface Listing extends EntryFilter {
  /** A stream or a supernode; undefined: all. */
  name?: string | undefined
  stream?: string
  limit: number
  follow?: true
}

interface EntryFilter {
  /** Epoch milliseconds, inclusive. */
  since?: number
  /** Epoch milliseconds, exclusive. */
  until?: number
  kind?: LedgerEntry["kind"]
  /** End of an order; leaves only the entries that record it. */
  outcome?: string
}

/** Entries that are read at once, backwards from the newest. */
const CHUNK = 200
/** Pause of `--follow` between two looks for new entries. */
const FOLLOW_MS = 2_000

/** The newest entries of one stream or of all, the newest last; with `follow`, the coming ones too. */
export async function listEntries(task: Task, listing: Listing): Promise<void> {
  const { screen, options } = task
  const { name, limit, follow } = listing
  await withLedger(task, async (ledger, settings) => {
    await requireAnyLedger(ledger, settings)
    const streams = async (): Promise<string[]> =>
      name === undefined ? allStreams(ledger) : [await streamOf(settings.policyPath, name)]
    const heads = new Map<string, number>()
    const entries: LedgerEntry[] = []
    for (const stream of await streams()) {
      const last = (await ledger.head(stream))?.seq ?? 0
      heads.set(stream, last)
      entries.push(...(await newest(ledger, stream, { ...listing, last })))
    }
    const shown = inOrder(entries).slice(-limit)
    const policy = await policyAtHand(task, settings)
    if (follow) {
      for (const entry of shown) showLine(task, entry, policy)
      await followEntries(task, { ledger, streams, heads, filter: listing, policy })
    } else if (options.json) screen.json({ entries: shown.map(entryJson) })
    else if (shown.length === 0)
      screen.say(`no entries${name === undefined ? "" : ` in ${name}`}${sayFilter(listing)}`)
    else showTable(task, shown, policy)
  })
}

/** The newest entries that the filter lets through, oldest first. */
async function newest(
  ledger: AuditedLedger,
  stream: string,
  { last, limit, ...filter }: Listing & { last: number },
): Promise<LedgerEntry[]> {
  const found: LedgerEntry[] = []
  for (let toSeq = last; toSeq > 0 && found.length < limit; toSeq -= CHUNK) {
    const chunk: LedgerEntry[] = []
    for await (const entry of ledger.read(stream, { fromSeq: Math.max(1, toSeq - CHUNK + 1), toSeq }))
      chunk.push(entry)
    found.unshift(...chunk.filter((entry) => isWanted(entry, filter)))
    // A reset may have brought the times back, so only whole chunks of older entries end the search.
    if (filter.since !== undefined && chunk.every(({ at }) => at < (filter.since ?? 0))) break
  }
  return found.slice(-limit)
}

function isWanted(entry: LedgerEntry, { since, until, kind, outcome }: EntryFilter): boolean {
  return (
    (since === undefined || entry.at >= since) &&
    (until === undefined || entry.at < until) &&
    (kind === undefined || entry.kind === kind) &&
    (outcome === undefined || entry.outcome?.kind === outcome)
  )
}

function inOrder(entries: LedgerEntry[]): LedgerEntry[] {
  return entries.sort((a, b) => a.at - b.at || a.stream.localeCompare(b.stream) || a.seq - b.seq)
}

interface Following {
  ledger: AuditedLedger
  streams(): Promise<string[]>
  /** By stream, the newest entry that was looked at. */
  heads: Map<string, number>
  filter: EntryFilter
  policy: PolicyAtHand
}

/** Shows new entries until the process is stopped. */
async function followEntries(
  task: Task,
  { ledger, streams, heads, filter, policy }: Following,
): Promise<void> {
  await repeatUntilStopped(task.io, FOLLOW_MS, async () => {
    const entries: LedgerEntry[] = []
    for (const stream of await streams()) {
      const fromSeq = (heads.get(stream) ?? 0) + 1
      for await (const entry of ledger.read(stream, { fromSeq })) {
        heads.set(stream, entry.seq)
        if (isWanted(entry, filter)) entries.push(entry)
      }
    }
    for (const entry of inOrder(entries)) showLine(task, entry, policy)
  })
}

function showLine({ screen, options }: Task, entry: LedgerEntry, policy: PolicyAtHand): void {
  if (options.json) screen.jsonLine(JSON.stringify(entryJson(entry)))
  else screen.say(rowOf(visibleIn(entry), policy).join("  "))
}

function showTable({ screen, io }: Task, entries: LedgerEntry[], policy: PolicyAtHand): void {
  screen.say(
    ...tableOf(
      entries.map((entry) => rowOf(visibleIn(entry), policy)),
      { head: ["time", "stream", "seq", "kind", "what"], columns: io.isTerminal ? io.columns : undefined },
    ),
  )
}

function rowOf(entry: LedgerEntry, { names, zone }: PolicyAtHand): string[] {
  const { at, stream, seq, kind } = entry
  const says = inZone(`${sayEntry(entry)}${sayWhy(entry)}`, zone)
  return [instantOf(at, zone), streamName(stream, names), String(seq), kind, says]
}

function entryJson(entry: LedgerEntry): object {
  const { stream, seq, at, run, kind, mode, hash } = entry
  const reasons = { cause: causeOf(entry), requestedBy: requesterOf(entry), price: priceOf(entry) }
  return { stream, seq, at, run, kind, mode, hash, says: sayEntry(entry), ...reasons }
}

function sayFilter({ since, until, kind, outcome }: EntryFilter): string {
  const isFiltered = [since, until, kind, outcome].some((one) => one !== undefined)
  return isFiltered ? " that these options ask for" : ""
}
