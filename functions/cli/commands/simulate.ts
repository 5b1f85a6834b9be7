import { type Command, InvalidArgumentError, Option } from "commander"
import { policyPath } from "../../../lib/app/settings.ts"
import { loadPolicyFile } from "../../../lib/policy-file/load.ts"
import type { FailureWindow, SoldOutWindow } from "../../../lib/simulate/model-cloud.ts"
import { ORDER_ENDINGS } from "../../../lib/simulate/order-ending.ts"
import { simulate } from "../../../lib/simulate/replay.ts"
import { duration, instant, planPath, timeBefore, whole, words } from "../arguments.ts"
import { type Cli, type CommonOptions, findSupernode, type Task, taskOf } from "../context.ts"
import { progressOn } from "../print/progress.ts"
import { type SimulatedPolicy, simulationJson, simulationLines, warningsOf } from "../print/simulation.ts"
import type { SimulatedReport } from "../report/from-simulation.ts"
import { version } from "../version.ts"
import { historiesOf, type PolicyToTry } from "./load-history.ts"

interface SimulateOptions extends CommonOptions {
  load?: string
  from?: number
  to?: number
  servers?: number
  provisioning: number
  soldOut: SoldOutWindow[]
  fail: FailureWindow[]
  elastic?: boolean
  ceiling: number
  report?: string
}

const MINUTE_MS = 60_000

export function registerSimulate(program: Command, cli: Cli): void {
  // Collects every --policy. For all other commands only the last one counts.
  const paths: string[] = []
  program.on("option:policy", (path: string) => paths.push(path))
  program
    .command("simulate")
    .summary("replay a load history through the real run")
    .description(
      "Replays a load history through the same run that buys, with a tick every 5 minutes and a model of the supernode. Shows what would have been bought, when, why and for how much. With a load file it needs no keys, no ledger and no cloud. Buys nothing. Give --policy several times to compare policies.",
    )
    .argument("<NAME>", "the supernode's name in each policy", words)
    .option(
      "--load <FILE>",
      "CSV with the header time,value or time,metric,value (a rule's name), or JSON lines with these fields; - reads stdin",
      words,
    )
    .option(
      "--from <TIME>",
      "instead of a file: the history of the policy's own metrics (Prometheus, Cloud Eye, CloudWatch) from this time on; needs their keys",
      timeBefore(cli.io.clock.now()),
    )
    .option(
      "--to <TIME>",
      "with --from: the end of the history; default: now",
      timeBefore(cli.io.clock.now()),
    )
    .option("--servers <N>", "servers at the start; default: those of the smallest rung", whole(1, 48))
    .addOption(
      new Option("--provisioning <DURATION>", "time from the order until the new servers run")
        .argParser(duration)
        .default(10 * MINUTE_MS, '"10m"'),
    )
    .addOption(
      new Option(
        "--sold-out <WINDOW>",
        "no offer is available in this period: FROM/TO, or FLAVOR@FROM/TO; may be given several times",
      )
        .argParser(soldOutWindow)
        .default([], "none"),
    )
    .addOption(
      new Option(
        "--fail <ENDING@FROM/TO>",
        `orders in this period end as ${FAILURES.join(", ")}; may be given several times`,
      )
        .argParser(failureWindow)
        .default([], "none"),
    )
    .option("--elastic", "the load is the utilisation of the first servers: more servers share it")
    .option("--ceiling <VALUE>", "with --elastic: the highest value that the metric can show", ceiling, 100)
    .option(
      "--report <FILE>",
      "also write a page with charts, every decision and its reasons: one HTML file that needs no network",
      planPath,
    )
    .option("--json", "print what each policy would have bought as JSON")
    .action(async (name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<SimulateOptions>()
      if ((options.load === undefined) === (options.from === undefined))
        command.error(
          "error: give either --load FILE, or --from TIME for the history of the policy's own metrics",
        )
      await simulateAll(taskOf(cli, options), { name, options, paths })
    })
}

interface SimulateArguments {
  name: string
  options: SimulateOptions
  paths: readonly string[]
}

async function simulateAll(task: Task, { name, options, paths }: SimulateArguments): Promise<void> {
  const { io, screen } = task
  const reports = options.report === undefined ? null : await import("../report/reports.ts")
  if (options.report !== undefined) await reports?.checkReportPath(options.report)
  const given =
    paths.length > 0 ? paths : [policyPath(io.env["SUPERNODE_POLICY"]?.trim() || null, (key) => io.env[key])]
  const policies: PolicyToTry[] = []
  for (const path of given) {
    const { supernodes } = await loadPolicyFile(path, task.now)
    policies.push({ path, loaded: findSupernode(supernodes, name) })
  }
  const histories = await historiesOf(task, policies, options)
  const results: SimulatedPolicy[] = []
  const recorded: SimulatedReport["results"] = []
  const warnings: string[] = []
  for (const [nth, { path, loaded }] of policies.entries()) {
    const history = histories[nth]
    if (!history) continue
    const ownWarnings = warningsOf({ path, loaded, history, options })
    screen.note(...ownWarnings.map((warning) => `warning: ${warning}`))
    warnings.push(...ownWarnings)
    const progress = progressOn(io.stderr, path)
    const recording = reports && new reports.SimulationRecording(path, loaded)
    const servers = options.servers ?? loaded.policy.ladder[0]?.servers ?? 1
    const simulation = await simulate({
      loaded,
      history,
      servers,
      provisioningMs: options.provisioning,
      soldOut: options.soldOut,
      failures: options.fail,
      elastic: options.elastic ? { ceiling: options.ceiling } : null,
      onProgress: progress.show,
      ...(recording ? { record: recording } : {}),
    })
    progress.clear()
    results.push({ path, loaded, simulation })
    if (recording) recorded.push({ recording, simulation })
  }
  if (reports && options.report !== undefined) {
    const parts = { results: recorded, now: task.now, version: version(), notes: warnings }
    const { html } = await reports.reportPage(reports.reportOfSimulation(parts), { refresh: null })
    await reports.writeReport(options.report, html)
    screen.note(`the report is in ${options.report}`)
  }
  if (options.json) screen.json(simulationJson(results))
  else
    screen.say(
      ...simulationLines(results, { paint: screen.paint, columns: io.isTerminal ? io.columns : undefined }),
    )
}

/** Endings of an order that fails. */
const FAILURES = ORDER_ENDINGS.filter((ending) => ending !== "accepted")

function soldOutWindow(text: string, before: SoldOutWindow[]): SoldOutWindow[] {
  const at = text.indexOf("@")
  const flavor = at > 0 ? text.slice(0, at) : null
  return [...before, { flavor, ...windowOf(text.slice(at + 1)) }]
}

function failureWindow(text: string, before: FailureWindow[]): FailureWindow[] {
  const at = text.indexOf("@")
  const ending = FAILURES.find((one) => one === text.slice(0, Math.max(0, at)))
  if (ending === undefined)
    throw new InvalidArgumentError(`It must begin with one of ${FAILURES.join(", ")}, then @FROM/TO.`)
  return [...before, { ending, ...windowOf(text.slice(at + 1)) }]
}

function windowOf(text: string): { from: number; to: number } {
  const [from = "", to = "", ...others] = text.split("/")
  if (to === "" || others.length > 0)
    throw new InvalidArgumentError(
      "It must be two times and a slash such as 2026-01-31T18:00:00Z/2026-02-01T06:00:00Z.",
    )
  const window = { from: instant(from), to: instant(to) }
  if (window.from >= window.to)
    throw new InvalidArgumentError("Its second time must be later than the first.")
  return window
}

function ceiling(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (value > 0) return value
  throw new InvalidArgumentError("It must be a number above 0, such as 100.")
}
