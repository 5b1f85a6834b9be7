import { visible, visibleIn } from "../../../lib/decision/inputs/foreign-text.ts"
import type { RawAnswer } from "../../../lib/decision/state/outcome.ts"
import { answerText } from "../../../lib/ledger/answer.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import { policySeq } from "../../../lib/ledger/policy-of.ts"
import { type Task, withLedger } from "../context.ts"
import { CommandError } from "../errors.ts"
import { requireAnyLedger } from "../known-ledger.ts"
import { sayActivity } from "../print/cause.ts"
import { sayEntry, saySignal } from "../print/entry.ts"
import { findingLines, type Look, lookOf, planLines } from "../print/result.ts"
import { tableOf } from "../print/table.ts"
import { instantOf, inZone } from "../print/time.ts"
import { policyAtHand } from "../state/in-flight.ts"
import { type OrderEntries, orderOf } from "./order-entries.ts"
import { streamName, streamOf } from "./streams.ts"

export async function showEntry(task: Task, name: string, seq: number): Promise<void> {
  const { screen, options } = task
  await withLedger(task, async (ledger, settings) => {
    await requireAnyLedger(ledger, settings)
    const stream = await streamOf(settings.policyPath, name)
    for await (const entry of ledger.read(stream, { fromSeq: seq, toSeq: seq })) {
      if (options.json) {
        screen.json(entry)
        return
      }
      const { zone, names } = await policyAtHand(task, settings)
      const order = await orderOf(ledger, entry)
      screen.say(...entryLines(entry, { look: lookOf(task, zone), order, name: streamName(stream, names) }))
      return
    }
    const newest = (await ledger.head(stream))?.seq ?? 0
    throw new CommandError(
      `${stream} has no entry ${seq}: ${newest === 0 ? "it is empty" : `the newest is ${newest}`}`,
    )
  })
}

interface EntryView {
  look: Look
  order: OrderEntries | null
  /** Name of the supernode or of the stream. */
  name: string
}

function entryLines(written: LedgerEntry, { look, order, name }: EntryView): string[] {
  const entry = visibleIn(written)
  const { stream, seq, at, run, mode, signal, policyHash, decision, plan, outcome, hash, prev } = entry
  const { zone } = look
  const activity = order && sayActivity(name, visibleIn(order))
  const rows = [
    ["  at", instantOf(at, zone)],
    ...(activity ? [["  cause", inZone(activity, zone)]] : []),
    ["  run", `${run} (${mode})`],
    ...(signal ? [["  signal", `${inZone(saySignal(signal), zone)}, id ${signal.id}`]] : []),
    ...(policyHash ? [["  policy", `${policyHash}${sayWhere(entry)}`]] : []),
    ["  hash", hash],
    ["  before", prev === "" ? "none: this is the first" : prev],
  ]
  const raw = outcome && outcome.kind !== "not-sent" ? outcome.raw : null
  return [
    `${look.paint.bold(`${stream} #${seq}`)} ${entry.kind}: ${inZone(sayEntry(entry), zone)}`,
    ...tableOf(rows, { columns: look.columns }),
    ...(decision ? ["", ...findingLines(decision.findings, look)] : []),
    ...(plan ? ["", ...planLines(plan, entry.kind === "decided" ? "request, not sent" : "request")] : []),
    ...(raw ? ["", ...answerLines(raw, look)] : []),
  ]
}

/** Maximum length in characters of an answer that is shown whole. */
const MAX_ANSWER = 200

/** Lines of the cloud's raw answer. Without `isVerbose` a long answer is one line with its size. */
function answerLines(raw: RawAnswer, { isVerbose }: Look): string[] {
  const text = answerText(raw)
  const isWhole = isVerbose || text.length <= MAX_ANSWER
  return isWhole
    ? [`response (${sayAnswer(raw)}):`, `  ${visible(text)}`]
    : [`response: ${sayAnswer(raw)}; -v shows all of it`]
}

/** Location of the whole policy: this entry, or an earlier entry of the stream. */
function sayWhere(entry: LedgerEntry): string {
  const seq = policySeq(entry)
  if (seq === null) return ""
  return seq === entry.seq ? ", in this entry" : `, in entry #${seq}`
}

function sayAnswer({ bytes, truncated, sha256 }: RawAnswer): string {
  return `${bytes} bytes${truncated ? ", its beginning" : ""}${sha256 ? `, sha256 ${sha256}` : ""}`
}
