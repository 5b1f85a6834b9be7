import { type Command, InvalidArgumentError } from "commander"
import type { App } from "../../../lib/app/app.ts"
import { SettingsError } from "../../../lib/app/settings.ts"
import { sayDuration } from "../../../lib/decision/policy/amounts.ts"
import { ledgerPlace } from "../../../lib/ledger/open.ts"
import { problemLine } from "../../../lib/policy-file/load.ts"
import { nextTimeOf } from "../../../lib/serve/cron.ts"
import { problemsOnHost, warningsOnHost } from "../../../lib/serve/precautions.ts"
import { type Serving, startServing } from "../../../lib/serve/serve.ts"
import { shardText } from "../../../lib/signals/shard.ts"
import { whole, words } from "../arguments.ts"
import { type Cli, type CommonOptions, settingsOf, type Task, taskOf, withApp } from "../context.ts"
import { linesOf } from "../errors.ts"
import { lookAtLedger, sayLedger, sayNoLedger } from "../known-ledger.ts"
import { listenError } from "../listen-error.ts"
import { type LogLevel, serveLog } from "../print/serve-log.ts"
import { namesOf } from "../state/in-flight.ts"
import { version } from "../version.ts"

interface ServeCommand extends CommonOptions {
  port: number
  host: string
  tick: string
  shard?: string
}

export function registerServe(program: Command, cli: Cli): void {
  program
    .command("serve")
    .summary("webhooks and ticks on this one host, until stopped")
    .description(
      "Serves the webhooks POST /smn, /sns, /alertmanager, /grafana, GET /healthz, /readyz and /metrics, and a live page at GET /. Runs ticks by cron, as the functions do. Buys only if SUPERNODE_MODE is live.",
    )
    .option("--port <N>", "port to listen on; 0 takes a free one", whole(0, 65_535), 8080)
    .option(
      "--host <HOST>",
      "address to listen on; 0.0.0.0 is every address of this machine, without TLS",
      words,
      "127.0.0.1",
    )
    .option(
      "--tick <CRON>",
      "times of the ticks, in the policy's time zone; 5 fields, or 6 with seconds first",
      cron,
      "*/5 * * * *",
    )
    .option(
      "--shard <I/N>",
      "runs ticks only for share I of N of the supernodes; start one process per share. Webhooks cover all supernodes",
      shard,
    )
    .option("--json", "log as JSON lines on stdout, instead of text on stderr")
    .addHelpText(
      "after",
      `
SIGTERM or SIGINT: accepts no new work, finishes purchases in progress, and ends; a second signal ends it at once, which is also
safe. SIGHUP: reads the policy file again; an invalid file changes nothing. See docs/serve.md.`,
    )
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ServeCommand>()
      await serve(taskOf(cli, options), options)
    })
}

/** Parses a cron expression. Refuses one that never comes due; this does not depend on the zone. */
function cron(text: string): string {
  try {
    if (nextTimeOf(text, "UTC")(Date.now()) !== null) return text
  } catch (error) {
    throw new InvalidArgumentError(`It ${error instanceof Error ? error.message : String(error)}.`)
  }
  throw new InvalidArgumentError("It never occurs.")
}

function shard(text: string): string {
  const parsed = shardText().safeParse(text)
  if (parsed.success) return text
  throw new InvalidArgumentError(`It ${parsed.error.issues[0]?.message}.`)
}

async function serve(task: Task, options: ServeCommand): Promise<void> {
  const problems = problemsOnHost(settingsOf(task))
  if (problems.length > 0) throw new SettingsError(problems)
  // Called before the server starts, since a caller that sees its address may stop it at once.
  const stopped = task.io.untilStopped()
  await withApp(task, async (app) => {
    const log = serveLog(task, app.settings.logLevel)
    const { LiveReport } = await import("../report/reports.ts")
    const serving = await startServing({
      app,
      host: options.host,
      port: options.port,
      cron: options.tick,
      ...(options.shard === undefined ? {} : { shard: options.shard }),
      version: version(),
      clock: task.io.clock,
      emit: log.emit,
      page: new LiveReport({
        ledger: app.ledger,
        clock: task.io.clock,
        version: version(),
        names: () => namesOf(app.policies),
      }),
    }).catch((error: unknown) => {
      throw listenError(error, options)
    })
    const done = task.io.onHangup(() => void serving.reload())
    announce(log.say, { app, serving, options })
    await announceLedger(log.say, app)
    await stopped
    if ((await serving.stop()) > 0) task.fail()
    done()
  })
}

interface Started {
  app: App
  serving: Serving
  options: ServeCommand
}

function announce(
  say: (level: LogLevel, text: string, fields?: Record<string, unknown>) => void,
  { app, serving, options }: Started,
): void {
  const { settings, policies } = app
  const { mode } = settings
  const names = policies.supernodes.map(({ policy }) => policy.name)
  const next = sayNext(serving)
  say("INFO", `serving on ${serving.url}`, { url: serving.url, port: serving.port, version: version() })
  if (mode === "live") say("INFO", "mode: live; it buys", { mode })
  else
    say("WARN", "mode: OBSERVE; it decides and records, and BUYS NOTHING (SUPERNODE_MODE is not live)", {
      mode,
    })
  say("INFO", `policy: ${policies.path}: ${names.join(", ")}`, { policy: policies.path, supernodes: names })
  say("INFO", `ticks: ${options.tick}; the next at ${next}`, { tick: options.tick, next })
  say("INFO", `a stop may take up to ${sayDuration(serving.graceMs)} if a purchase is in progress`, {
    graceMs: serving.graceMs,
  })
  for (const warning of policies.warnings) say("WARN", problemLine(warning))
  for (const warning of warningsOnHost(options.host, settings, policies)) say("WARN", warning)
}

/**
 * Logs which ledger is used, or why it cannot be used. Serving continues even then: `/readyz` reports the
 * problem, and `ledger init` needs no restart.
 */
async function announceLedger(say: ReturnType<typeof serveLog>["say"], app: App): Promise<void> {
  const { place, known } = await lookAtLedger(app.ledger, app.settings).catch(() => UNREAD)
  const fields = { ledger: place ?? ledgerPlace(app.settings.ledgerUrl), ledgerId: known?.id ?? null }
  if (known) {
    say("INFO", sayLedger(known), fields)
    await app.ledger.checkWritable().catch((error: unknown) => {
      for (const line of linesOf(error)) say("ERROR", line.replace(/^error: /, ""), fields)
    })
  } else if (place === null) say("ERROR", "the ledger cannot be read", fields)
  else say("ERROR", sayNoLedger(place), fields)
}

const UNREAD = { place: null, known: null }

function sayNext(serving: Serving): string {
  const next = serving.nextTick()
  return next === null ? "never" : new Date(next).toISOString()
}
