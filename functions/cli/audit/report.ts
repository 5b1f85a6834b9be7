import { counted } from "../../../lib/decision/policy/amounts.ts"
import { type Task, withLedger } from "../context.ts"
import { requireAnyLedger } from "../known-ledger.ts"
import { policyAtHand, supernodeIdOf } from "../state/in-flight.ts"
import { version } from "../version.ts"

export interface LedgerReportOptions {
  /** Epoch milliseconds. */
  since?: number
  until?: number
}

interface WriteReportOptions extends LedgerReportOptions {
  out: string
  /** Name or id of a supernode; `undefined` means all. */
  name: string | undefined
}

/**
 * Writes the ledger's report. Throws LedgerError, and CommandError if `out` is a file that is not a report.
 */
export async function writeLedgerReport(
  task: Task,
  { out, name, since, until }: WriteReportOptions,
): Promise<void> {
  const { screen, options, now } = task
  const { checkReportPath, LedgerReader, reportOfLedger, reportPage, writeReport } = await import(
    "../report/reports.ts"
  )
  await checkReportPath(out)
  await withLedger(task, async (ledger, settings) => {
    await requireAnyLedger(ledger, settings)
    const only = name === undefined ? null : await supernodeIdOf(settings.policyPath, name)
    const { names } = await policyAtHand(task, settings)
    const reader = new LedgerReader({ ledger, names, only, maxEntries: Number.POSITIVE_INFINITY })
    await reader.read()
    const { history, ledgerId } = reader
    const times = { since: since ?? null, until: until ?? null, now }
    const title = name === undefined ? "Ledger report" : `Ledger report of ${name}`
    const report = reportOfLedger({ history, ledgerId, title, version: version(), notes: [], ...times })
    const { html } = await reportPage(report, { refresh: null })
    await writeReport(out, html)
    const supernodes = report.views.map(({ supernode }) => supernode)
    const events = report.views.reduce((sum, view) => sum + view.events.length, 0)
    if (options.json)
      screen.json({ report: out, bytes: Buffer.byteLength(html), ledgerId, supernodes, events })
    else screen.say(`the report of ${counted(supernodes.length, "supernode")} is in ${out}`)
  })
}
