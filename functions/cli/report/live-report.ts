import { operatorCommand } from "../../../lib/decision/explain/operator-command.ts"
import type { Clock, Ledger } from "../../../lib/ports.ts"
import type { LivePage } from "../../../lib/serve/live-page.ts"
import { reportOfLedger } from "./from-ledger.ts"
import { type ReportPage, reportPage } from "./html.ts"
import { LedgerReader } from "./ledger-reader.ts"
import type { Report } from "./report.ts"

/** Maximum number of newest entries of each stream. The first reader of the page waits for them. */
const MAX_ENTRIES = 3_000
/** Age up to which a report serves all readers, milliseconds. Many readers then cost no more than one. */
const FRESH_MS = 5_000

export interface LiveReportOptions {
  ledger: Pick<Ledger, "head" | "read" | "streams">
  clock: Pick<Clock, "now" | "monotonic">
  version: string
  /** Names by supernode id, from the current policy file. */
  names(): ReadonlyMap<string, string>
}

/** The page of `serve`: the report of its ledger, made again for later readers. */
export class LiveReport implements LivePage {
  #reader: { names: string; reader: LedgerReader } | null = null
  /** The newest report. `endedAt` is monotonic milliseconds; `null` while the ledger is being read for it. */
  #newest: { endedAt: number | null; report: Promise<Report> } | null = null

  constructor(private readonly options: LiveReportOptions) {}

  async page(): Promise<ReportPage> {
    return reportPage(await this.data(), { refresh: "report.json" })
  }

  data(): Promise<Report> {
    const { clock } = this.options
    const known = this.#newest
    // Two reads at the same time would count the same entries twice.
    if (known && (known.endedAt === null || clock.monotonic() - known.endedAt < FRESH_MS)) return known.report
    const newest: { endedAt: number | null; report: Promise<Report> } = {
      endedAt: null,
      report: this.#make(),
    }
    this.#newest = newest
    newest.report.then(
      () => {
        newest.endedAt = clock.monotonic()
      },
      // Only the waiting readers receive a failure. The next reader tries again from the beginning.
      () => {
        this.#newest = null
        this.#reader = null
      },
    )
    return newest.report
  }

  async #make(): Promise<Report> {
    const { clock, version } = this.options
    const reader = this.#currentReader()
    await reader.read()
    const { history, ledgerId, skipped } = reader
    const notes =
      skipped > 0
        ? [
            `The newest ${MAX_ENTRIES} entries of each stream were read; to see ${skipped} older ones, run: ${operatorCommand.auditReport}`,
          ]
        : []
    const title = "supernode-autoscaler, live"
    return reportOfLedger({
      history,
      ledgerId,
      title,
      now: clock.now(),
      version,
      since: null,
      until: null,
      notes,
    })
  }

  /** Starts from the beginning if a new policy file renames supernodes. */
  #currentReader(): LedgerReader {
    const { ledger } = this.options
    const byId = this.options.names()
    const names = JSON.stringify([...byId])
    if (this.#reader?.names !== names)
      this.#reader = {
        names,
        reader: new LedgerReader({ ledger, names: byId, only: null, maxEntries: MAX_ENTRIES }),
      }
    return this.#reader.reader
  }
}
