import { type Command, Option } from "commander"
import { entryText } from "../../../lib/ledger/entry.ts"
import { supernodeStream } from "../../../lib/ledger/next-entry.ts"
import { planPath, timeBefore, whole, words } from "../arguments.ts"
import { type Cli, type CommonOptions, type Task, taskOf, withLedger } from "../context.ts"
import { requireAnyLedger } from "../known-ledger.ts"
import { policyAtHand } from "../state/in-flight.ts"
import { printAnchor } from "./anchor.ts"
import { type Listing, listEntries } from "./list.ts"
import { csvHeader, PurchaseRows } from "./purchases-csv.ts"
import { type LedgerReportOptions, writeLedgerReport } from "./report.ts"
import { showEntry } from "./show.ts"
import { allStreams, streamName, streamOf } from "./streams.ts"
import { verifyLedger } from "./verify.ts"

const STREAM = "a supernode's name or id, or a stream: control, fleet, supernode:ID"

export function registerAudit(program: Command, cli: Cli): void {
  const audit = program
    .command("audit")
    .summary("read the ledger")
    .description("Reads the ledger: who did what, when and why, and whether it is intact.")
  audit
    .command("list")
    .summary("the newest entries")
    .description(
      "Lists the newest entries, newest last. Orders show their price, their cause and the signal that started the run.",
    )
    .argument("[NAME]", STREAM, words)
    .option("--stream <STREAM>", "the same as NAME", words)
    .option("--limit <N>", "maximum number of entries", whole(1, 10_000), 50)
    .option(
      "--since <TIME>",
      "only entries from this time on (ISO 8601, or a duration before now such as 2h)",
      timeBefore(cli.io.clock.now()),
    )
    .option("--until <TIME>", "only entries before this time", timeBefore(cli.io.clock.now()))
    .addOption(
      new Option("--kind <KIND>", "only entries of this kind").choices([
        "decided",
        "opened",
        "settled",
        "observed",
        "said",
      ]),
    )
    .addOption(
      new Option("--outcome <OUTCOME>", "only outcomes of this kind").choices([
        "accepted",
        "rejected",
        "not-sent",
        "unknown",
      ]),
    )
    .option(
      "--follow",
      "keep running and show new entries as they are appended; with --json, one JSON document per line",
    )
    .option("--json", "print them as JSON")
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions & Listing>()
      const { until, follow } = options
      if (follow && until !== undefined)
        command.error("error: --follow shows new entries, --until only past ones; give one of them")
      checkRange(command, options)
      await listEntries(taskOf(cli, options), { ...options, name: name ?? options.stream })
    })
  audit
    .command("show")
    .summary("one entry with all its reasons")
    .description("Shows one entry: what was decided, every gate with its numbers, the request, the response.")
    .argument("<STREAM>", STREAM, words)
    .argument("<SEQ>", "the entry's number, as `audit list` shows it", whole(1, 999_999_999))
    .option("-v, --verbose", "also show passing gates and a long response")
    .option("--json", "print the entry as it is stored")
    .action(async (name: string, seq: number, _options: unknown, command: Command) => {
      await showEntry(taskOf(cli, command.optsWithGlobals<CommonOptions>()), name, seq)
    })
  audit
    .command("verify")
    .summary("check every entry's hash and link")
    .description(
      "Checks the chain of each stream from its first entry: form, size, hash, link, gaps, and whether its state follows from the entries. Without NAME it also checks the streams against each other. Exits 1 and names each problem if something is wrong.",
    )
    .argument("[NAME]", STREAM, words)
    .option(
      "--anchor <FILE>",
      "a file that `audit anchor` printed, - for stdin: the ledger must contain its heads",
      words,
    )
    .option("--json", "print the verdicts as JSON")
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions & { anchor?: string }>()
      await verifyLedger(taskOf(cli, options), { name, anchorFile: options.anchor })
    })
  audit
    .command("anchor")
    .summary("the newest entry of each stream, to store elsewhere")
    .description(
      "Prints the ledger's id and each stream's newest entry as JSON. Keep it where the writers of this ledger's store cannot write: with it `audit verify --anchor FILE` finds entries that were cut off or rewritten later.",
    )
    .option("--json", "no effect: the output is always JSON")
    .action(async (_options: unknown, command: Command) => {
      await printAnchor(taskOf(cli, command.optsWithGlobals<CommonOptions>()))
    })
  audit
    .command("report")
    .summary("the ledger as a page with charts")
    .description(
      "Writes one HTML file that needs no network: load with thresholds, servers, spend and budget over time, and every decision with its reasons. Replaces an earlier report of that name, but no other file.",
    )
    .argument("<OUT>", "the file to write, such as report.html", planPath)
    .argument("[NAME]", "only this supernode: its name or id", words)
    .option(
      "--since <TIME>",
      "only entries from this time on (ISO 8601, or a duration before now such as 30d)",
      timeBefore(cli.io.clock.now()),
    )
    .option("--until <TIME>", "only entries before this time", timeBefore(cli.io.clock.now()))
    .option("--json", "print what was written as JSON")
    .action(async (out: string, name: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions & LedgerReportOptions>()
      checkRange(command, options)
      await writeLedgerReport(taskOf(cli, options), { ...options, out, name })
    })
  audit
    .command("export")
    .summary("all entries as JSON lines")
    .description(
      "Writes entries to stdout, one per line, as the store keeps them: canonical JSON that matches its hash.",
    )
    .argument("[NAME]", STREAM, words)
    .option("--stream <STREAM>", "the same as NAME", words)
    .option("--json", "no effect: entries are always JSON lines")
    .option("--csv", "as CSV instead: one row per attempted order, with its price and order id")
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions & Listing & { csv?: true }>()
      if (options.csv && options.json)
        command.error("error: --csv and --json are two formats; give one of them")
      if (options.csv) await exportPurchases(taskOf(cli, options), name ?? options.stream)
      else await exportEntries(taskOf(cli, options), name ?? options.stream)
    })
}

/** Ends with a usage error unless --since is before --until. A duration counts back from now. */
function checkRange(command: Command, { since, until }: { since?: number; until?: number }): void {
  if (since !== undefined && until !== undefined && since >= until)
    command.error(
      "error: --since must be before --until. A duration counts back from now: --since 2h --until 1h",
    )
}

async function exportEntries(task: Task, name: string | undefined): Promise<void> {
  await withLedger(task, async (ledger, settings) => {
    await requireAnyLedger(ledger, settings)
    const streams =
      name === undefined ? await allStreams(ledger) : [await streamOf(settings.policyPath, name)]
    for (const stream of streams) {
      for await (const entry of ledger.read(stream)) {
        if (task.io.stdout.isGone) return
        task.screen.jsonLine(entryText(entry))
      }
    }
  })
}

async function exportPurchases(task: Task, name: string | undefined): Promise<void> {
  await withLedger(task, async (ledger, settings) => {
    await requireAnyLedger(ledger, settings)
    const streams =
      name === undefined ? await allStreams(ledger) : [await streamOf(settings.policyPath, name)]
    const { names } = await policyAtHand(task, settings)
    const { stdout } = task.io
    const print = (line: string) => stdout.write(`${line}\r\n`)
    print(csvHeader())
    for (const stream of streams.filter((one) => one.startsWith(supernodeStream("")))) {
      const rows = new PurchaseRows(streamName(stream, names))
      for await (const entry of ledger.read(stream)) {
        if (stdout.isGone) return
        rows.add(entry)
      }
      for (const line of rows.lines()) print(line)
    }
  })
}
