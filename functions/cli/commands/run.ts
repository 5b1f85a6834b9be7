import type { Command } from "commander"
import { type App, type Handled, RunsFailed } from "../../../lib/app/app.ts"
import type { Settings } from "../../../lib/app/settings.ts"
import { saysUnusable } from "../../../lib/decision/gates/ledger.ts"
import { ledgerPlace } from "../../../lib/ledger/open.ts"
import { words } from "../arguments.ts"
import { type Cli, type CommonOptions, invocation, type Task, taskOf, withApp } from "../context.ts"
import { type ErrorJson, errorJson, linesOf } from "../errors.ts"
import { readEvent } from "../event-file.ts"
import { exitCodeOf } from "../exit-code.ts"
import { lookAtLedger, sayLedger } from "../known-ledger.ts"
import { resultLines } from "../print/result.ts"

interface RunOptions extends CommonOptions {
  event: string
}

export function registerRun(program: Command, cli: Cli): void {
  program
    .command("run")
    .summary("handle one event as the functions do; may buy")
    .description(
      "Handles one event exactly as the functions do: any event of a function, an HTTP request as a gateway passes it, or a manual request. Buys only if SUPERNODE_MODE is live.",
    )
    .requiredOption("--event <FILE>", "the event as JSON; - reads stdin", words)
    .option("--json", "print the results as JSON, as the functions answer")
    .addHelpText(
      "after",
      `
A manual request: { "supernode": "train-a", "mode": "live", "servers": 4, "requestedBy": "me", "why": "launch week",
"planHash": "sha256:..." }. \`dry-run\` prints one ready to send.`,
    )
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<RunOptions>()
      await runEvent(taskOf(cli, options), options)
    })
}

async function runEvent(task: Task, { event: path }: RunOptions): Promise<void> {
  const event = await readEvent(path, task.io)
  // Stopped between sending and recording, a purchase would count as unknown and hold everything after it.
  void task.io.untilStopped().then(() => {
    task.screen.note("finishing first: a purchase may be on its way. Once more stops at once")
  })
  await withApp(task, async (app) => {
    try {
      show(task, app.settings, await app.handle(event, "any", invocation()))
      await showLedger(task, app)
    } catch (error) {
      if (!(error instanceof RunsFailed)) throw error
      // What the other supernodes' runs came to is not lost over the one that failed.
      const { results, warnings } = error
      showResults(task, { results, warnings, isAsked: false, ...errorJson(error) })
      task.screen.note(...linesOf(error))
      task.fail()
    }
  })
}

/** Beside the results, whose JSON is the functions' own. Nothing where no run used the ledger: that was said. */
async function showLedger({ screen, options }: Task, { ledger, settings }: App): Promise<void> {
  const { known } = await lookAtLedger(ledger, settings)
  if (!known) return
  if (options.json) screen.note(sayLedger(known))
  else screen.say(sayLedger(known))
}

function show(
  task: Task,
  { ledgerUrl }: Settings,
  { results, warnings, problems, http, asksToBuy }: Handled,
): void {
  const { screen } = task
  const refusal =
    http !== null && http.status >= 400
      ? `an HTTP endpoint would answer ${http.status}: ${JSON.stringify(http.body)}`
      : null
  const isRefused = refusal !== null || problems.length > 0
  const message = refusal ?? "parts of the event could not be read; the rest was handled"
  const refused = isRefused ? { error: { kind: "event", message, problems } } : {}
  showResults(task, { results, warnings, isAsked: asksToBuy, ...refused })
  screen.note(...problems.map((problem) => `error: ${problem}`))
  if (refusal !== null) screen.note(`error: ${refusal}`)
  else if (http !== null && results.length === 0)
    screen.say(`an HTTP endpoint would answer ${http.status}: ${JSON.stringify(http.body)}`)
  const cannotUse = results.filter(({ decision }) => decision.findings.some(saysUnusable))
  if (cannotUse.length > 0)
    screen.note(`error: no run can use ${ledgerPlace(ledgerUrl)}; nothing was written`)
  if (isRefused || cannotUse.length > 0) task.fail()
}

interface Shown extends Partial<ErrorJson> {
  results: Handled["results"]
  warnings: string[]
  isAsked: boolean
}

function showResults(
  { screen, options, io, fail }: Task,
  { results, warnings, isAsked, error }: Shown,
): void {
  for (const result of results) fail(exitCodeOf(result, isAsked))
  screen.note(...warnings.map((warning) => `warning: ${warning}`))
  if (options.json) {
    screen.json({ results, ...(error ? { error } : {}) })
    return
  }
  if (results.length === 0 && !error)
    screen.note("the event concerns no supernode of the policy; nothing was done")
  for (const result of results) {
    screen.say(
      ...resultLines(result, { paint: screen.paint, columns: io.isTerminal ? io.columns : undefined }),
      "",
    )
  }
}
