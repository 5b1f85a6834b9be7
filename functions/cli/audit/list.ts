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
import { openedOrders } from "./order-entries.ts"
import { allStreams, streamName, streamOf } from "./streams.ts"

export interface Listing extends EntryFilter {
  /** A stream or a supernode; `undefined` means all streams. */
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
  /** Outcome of an order; keeps only the entries that record this outcome. */
  outcome?: string
}

/** Number of entries in one read, backwards from the newest. */
const CHUNK = 200
/** Pause of `--follow` between two reads. */
const FOLLOW_MS = 2_000

/**
 * Shows the newest entries of one stream or of all, the newest last. With `follow` it then shows new entries
 * as they come.
 */
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
      await showLines(task, shown, { ledger, policy })
      await followEntries(task, { ledger, streams, heads, filter: listing, policy })
    } else if (options.json) {
      const orders = await openedOrders(ledger, shown)
      screen.json({ entries: shown.map((entry) => entryJson(entry, orders)) })
    } else if (shown.length === 0)
      screen.say(`no entries${name === undefined ? "" : ` in ${name}`}${sayFilter(listing)}`)
    else showTable(task, shown, { policy, orders: await openedOrders(ledger, shown) })
  })
}

/** Returns the newest entries that pass the filter, oldest first. */
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
    // After entries dated in the future, `reset` writes an earlier time. So the search ends only at a chunk whose entries are all older.
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
  /** Number of the newest entry that was read, by stream. */
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
    await showLines(task, inOrder(entries), { ledger, policy })
  })
}

async function showLines(
  { screen, options }: Task,
  entries: readonly LedgerEntry[],
  { ledger, policy }: Pick<Following, "ledger" | "policy">,
): Promise<void> {
  const orders = await openedOrders(ledger, entries)
  for (const entry of entries) {
    if (options.json) screen.jsonLine(JSON.stringify(entryJson(entry, orders)))
    else screen.say(rowOf(entry, { policy, orders }).join("  "))
  }
}

interface Background {
  policy: PolicyAtHand
  /** Entries that opened orders, by attempt id. */
  orders: ReadonlyMap<string, LedgerEntry>
}

function showTable({ screen, io }: Task, entries: LedgerEntry[], background: Background): void {
  screen.say(
    ...tableOf(
      entries.map((entry) => rowOf(entry, background)),
      { head: ["time", "stream", "seq", "kind", "what"], columns: io.isTerminal ? io.columns : undefined },
    ),
  )
}

function rowOf(written: LedgerEntry, { policy: { names, zone }, orders }: Background): string[] {
  const entry = visibleIn(written)
  const { at, stream, seq, kind } = entry
  const opened = visibleIn(openedOf(entry, orders))
  const says = inZone(`${sayEntry(entry)}${sayWhy(entry, opened)}`, zone)
  return [instantOf(at, zone), streamName(stream, names), String(seq), kind, says]
}

function openedOf({ attempt }: LedgerEntry, orders: Background["orders"]): LedgerEntry | null {
  return (attempt && orders.get(attempt.id)) ?? null
}

function entryJson(entry: LedgerEntry, orders: Background["orders"]): object {
  const opened = openedOf(entry, orders) ?? entry
  const { stream, seq, at, run, kind, mode, hash } = entry
  const reasons = { cause: causeOf(opened), requestedBy: requesterOf(opened), price: priceOf(entry) }
  return { stream, seq, at, run, kind, mode, hash, says: sayEntry(entry), ...reasons }
}

function sayFilter({ since, until, kind, outcome }: EntryFilter): string {
  const isFiltered = [since, until, kind, outcome].some((one) => one !== undefined)
  return isFiltered ? " that match these options" : ""
}
