import { visible, visibleIn } from "../../../lib/decision/inputs/foreign-text.ts"
import type { RawAnswer } from "../../../lib/decision/state/outcome.ts"
import { answerText } from "../../../lib/ledger/answer.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import { policySeq } from "../../../lib/ledger/policy-of.ts"
import { type Task, withLedger } from "../context.ts"
import { CommandError } from "../errors.ts"
import { requireAnyLedger } from "../known-ledger.ts"
import { sayEntry, saySignal } from "../print/entry.ts"
import { findingLines, type Look, planLines } from "../print/result.ts"
import { tableOf } from "../print/table.ts"
import { instantOf, inZone } from "../print/time.ts"
import { policyAtHand } from "../state/in-flight.ts"
import { streamOf } from "./streams.ts"

export async function showEntry(task: Task, name: string, seq: number): Promise<void> {
  const { screen, options, io } = task
  await withLedger(task, async (ledger, settings) => {
    await requireAnyLedger(ledger, settings)
    const stream = await streamOf(settings.policyPath, name)
    for await (const entry of ledger.read(stream, { fromSeq: seq, toSeq: seq })) {
      if (options.json) {
        screen.json(entry)
        return
      }
      const { zone } = await policyAtHand(task, settings)
      const columns = io.isTerminal ? io.columns : undefined
      screen.say(...entryLines(entry, { paint: screen.paint, columns, zone }))
      return
    }
    const newest = (await ledger.head(stream))?.seq ?? 0
    throw new CommandError(
      `${stream} has no entry ${seq}: ${newest === 0 ? "it is empty" : `the newest is ${newest}`}`,
    )
  })
}

function entryLines(written: LedgerEntry, look: Look): string[] {
  const entry = visibleIn(written)
  const { stream, seq, at, run, mode, signal, policyHash, decision, plan, outcome, hash, prev } = entry
  const rows = [
    ["  at", instantOf(at, look.zone)],
    ["  run", `${run} (${mode})`],
    ...(signal ? [["  signal", `${inZone(saySignal(signal), look.zone)}, id ${signal.id}`]] : []),
    ...(policyHash ? [["  policy", `${policyHash}${sayWhere(entry)}`]] : []),
    ["  hash", hash],
    ["  before", prev === "" ? "none: this is the first" : prev],
  ]
  const raw = outcome && outcome.kind !== "not-sent" ? outcome.raw : null
  return [
    `${look.paint.bold(`${stream} #${seq}`)} ${entry.kind}: ${inZone(sayEntry(entry), look.zone)}`,
    ...tableOf(rows),
    ...(decision ? ["", ...findingLines(decision.findings, look)] : []),
    ...(plan ? ["", ...planLines(plan, entry.kind === "decided" ? "request, not sent" : "request")] : []),
    ...(raw ? ["", `answer (${sayAnswer(raw)}):`, `  ${visible(answerText(raw))}`] : []),
  ]
}

/** Where the policy itself is to be found: in this entry, or in an earlier one of the stream. */
function sayWhere(entry: LedgerEntry): string {
  const seq = policySeq(entry)
  if (seq === null) return ""
  return seq === entry.seq ? ", in this entry" : `, in entry #${seq}`
}

function sayAnswer({ bytes, truncated, sha256 }: RawAnswer): string {
  return `${bytes} bytes${truncated ? ", its beginning" : ""}${sha256 ? `, sha256 ${sha256}` : ""}`
}
