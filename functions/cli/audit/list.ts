import { visibleIn } from "../../../lib/decision/inputs/foreign-text.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import type { AuditedLedger } from "../../../lib/ledger/open.ts"
import { type Task, withLedger } from "../context.ts"
import { requireAnyLedger } from "../known-ledger.ts"
import { sayEntry } from "../print/entry.ts"
import { instantOf, tableOf } from "../print/table.ts"
import { namesById } from "../state/in-flight.ts"
import { allStreams, streamName, streamOf } from "./streams.ts"

export interface Listing {
  /** A stream or a supernode; undefined: all. */
  name?: string | undefined
  stream?: string
  limit: number
}

/** The newest entries of one stream or of all, the newest last. */
export async function listEntries(task: Task, { name, limit }: Listing): Promise<void> {
  const { screen, options, io } = task
  await withLedger(task, async (ledger, settings) => {
    await requireAnyLedger(ledger, settings)
    const streams =
      name === undefined ? await allStreams(ledger) : [await streamOf(settings.policyPath, name)]
    const entries: LedgerEntry[] = []
    for (const stream of streams) entries.push(...(await newest(ledger, stream, limit)))
    entries.sort((a, b) => a.at - b.at || a.stream.localeCompare(b.stream) || a.seq - b.seq)
    const shown = entries.slice(-limit)
    if (options.json) {
      screen.json({ entries: shown.map((entry) => ({ ...headOf(entry), says: sayEntry(entry) })) })
      return
    }
    if (shown.length === 0) return screen.say(`no entries${name === undefined ? "" : ` in ${name}`}`)
    const names = await namesById(settings.policyPath)
    const rows = shown
      .map(visibleIn)
      .map((entry) => [
        instantOf(entry.at),
        streamName(entry.stream, names),
        String(entry.seq),
        entry.kind,
        sayEntry(entry),
      ])
    screen.say(
      ...tableOf(rows, {
        head: ["time", "stream", "seq", "kind", "what"],
        columns: io.isTerminal ? io.columns : undefined,
      }),
    )
  })
}

async function newest(ledger: AuditedLedger, stream: string, limit: number): Promise<LedgerEntry[]> {
  const last = (await ledger.head(stream))?.seq ?? 0
  const entries: LedgerEntry[] = []
  if (last === 0) return entries
  for await (const entry of ledger.read(stream, { fromSeq: Math.max(1, last - limit + 1), toSeq: last }))
    entries.push(entry)
  return entries
}

function headOf({ stream, seq, at, run, kind, mode, hash }: LedgerEntry): Partial<LedgerEntry> {
  return { stream, seq, at, run, kind, mode, hash }
}
