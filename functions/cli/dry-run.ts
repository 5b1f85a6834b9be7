import { randomUUID } from "node:crypto"
import type { Command } from "commander"
import type { Signal } from "../../lib/decision/signal.ts"
import type { LoadedPolicy } from "../../lib/policy-file.ts"
import { standingOf, supernodeStream } from "../../lib/record.ts"
import type { RunResult } from "../../lib/result.ts"
import { readSignals } from "../../lib/signals/read.ts"
import type { App } from "../../lib/wiring.ts"
import { whole, words } from "./arguments.ts"
import { armingUntil } from "./arming.ts"
import {
  type Cli,
  type CommonOptions,
  findSupernode,
  invocation,
  noteMissingLedger,
  type Task,
  taskOf,
  withApp,
} from "./context.ts"
import { readEvent } from "./event-file.ts"
import { nextStepLines } from "./next-step.ts"
import { resultLines } from "./result-text.ts"

interface DryRunOptions extends CommonOptions {
  event?: string
  servers?: number
}

export function registerDryRun(program: Command, cli: Cli): void {
  program
    .command("dry-run")
    .summary("what would happen now, why, and the exact request")
    .description(
      "Shows what would happen now for one supernode: every gate with its numbers, and the exact request. Reads everything, writes nothing anywhere.",
    )
    .argument("<NAME>", "the supernode's name in the policy", words)
    .option(
      "--event <FILE>",
      "as if this event came (JSON; - reads stdin); without, as if a tick came",
      words,
    )
    .option("--servers <N>", "as if a person asked for this many servers in all", whole(1, 48))
    .option("--json", "print the result as JSON")
    .action(async (name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<DryRunOptions>()
      if (options.event !== undefined && options.servers !== undefined) {
        command.error("error: --event and --servers ask two different questions; give one of them")
      }
      await dryRun(taskOf(cli, options), name, options)
    })
}

async function dryRun(task: Task, name: string, options: DryRunOptions): Promise<void> {
  const event = options.event === undefined ? undefined : await readEvent(options.event, task.io)
  await withApp(task, async (app) => {
    const loaded = findSupernode(app.policies.supernodes, name)
    const { policy } = loaded
    noteMissingLedger(task, app.settings)
    const signals =
      event === undefined ? [ownSignal(task, policy.name, options.servers)] : signalsIn(task, event)
    const { results, warnings } = await app.runSignals(signals, invocation(), "dry-run", policy.name)
    task.screen.note(...warnings.map((warning) => `warning: ${warning}`))
    await show(task, app, { loaded, results })
  })
}

function ownSignal({ now }: Task, supernode: string, servers: number | undefined): Signal {
  const id = `dry-run:${randomUUID()}`
  if (servers === undefined) return { kind: "tick", id, name: "dry-run", at: now }
  const asked = {
    supernode,
    mode: "dry-run",
    servers,
    requestedBy: "dry-run",
    why: "a dry run",
    planHash: null,
  } as const
  return { kind: "request", id, at: now, ...asked, bypassCooldown: false }
}

function signalsIn({ now, screen }: Task, event: unknown): Signal[] {
  const { signals, problems } = readSignals(event, "any", { now })
  screen.note(...problems.map((problem) => `warning: ${problem}`))
  return signals
}

interface Shown {
  loaded: LoadedPolicy
  results: RunResult[]
}

async function show(task: Task, app: App, { loaded, results }: Shown): Promise<void> {
  const { screen, options, io, now } = task
  const { policy } = loaded
  if (results.length === 0) screen.note(`the event does not concern ${policy.name}: nothing would happen`)
  if (options.json) {
    screen.json({ results })
    return
  }
  const look = { paint: screen.paint, columns: io.isTerminal ? io.columns : undefined }
  const standing = standingOf(await app.ledger.head(supernodeStream(policy.id)))
  const arming = armingUntil(loaded, standing, now)
  for (const result of results) {
    screen.say(
      ...resultLines(result, look),
      ...nextStepLines(result, { mode: app.settings.mode, arming }),
      "",
    )
  }
}
