import type { Clock, Ledger } from "../../../lib/ports.ts"
import type { LivePage } from "../../../lib/serve/live-page.ts"
import { reportOfLedger } from "./from-ledger.ts"
import { type ReportPage, reportPage } from "./html.ts"
import { LedgerReader } from "./ledger-reader.ts"
import type { Report } from "./report.ts"

/** Entries of each stream that the first reader of the page waits for. */
const MAX_ENTRIES = 3_000
/** A report that is no older serves every reader, so that many of them cost no more than one. */
const FRESH_MS = 5_000

export interface LiveReportOptions {
  ledger: Pick<Ledger, "head" | "read" | "streams">
  clock: Pick<Clock, "now" | "monotonic">
  version: string
  /** Names by supernode id of the policy in force. */
  names(): ReadonlyMap<string, string>
}

/** The page of `serve`: the report of its ledger, made anew for readers who come later. */
export class LiveReport implements LivePage {
  #reader: { names: string; reader: LedgerReader } | null = null
  /** The newest report; endedAt is null while the ledger is still read for it. */
  #made: { endedAt: number | null; report: Promise<Report> } | null = null

  constructor(private readonly options: LiveReportOptions) {}

  async page(): Promise<ReportPage> {
    return reportPage(await this.data(), { refresh: "report.json" })
  }

  data(): Promise<Report> {
    const { clock } = this.options
    const known = this.#made
    // Two reads at once would count the same entries twice.
    if (known && (known.endedAt === null || clock.monotonic() - known.endedAt < FRESH_MS)) return known.report
    const made: { endedAt: number | null; report: Promise<Report> } = { endedAt: null, report: this.#make() }
    this.#made = made
    made.report.then(
      () => {
        made.endedAt = clock.monotonic()
      },
      // A failure is for those who waited for it; the next reader tries again, from the beginning.
      () => {
        this.#made = null
        this.#reader = null
      },
    )
    return made.report
  }

  async #make(): Promise<Report> {
    const { clock, version } = this.options
    const reader = this.#currentReader()
    await reader.read()
    const { history, ledgerId, skipped } = reader
    const notes =
      skipped > 0
        ? [
            `The newest ${MAX_ENTRIES} entries of each stream were read; ${skipped} older ones are in: audit report`,
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

  /** A new policy file may name supernodes anew. */
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
