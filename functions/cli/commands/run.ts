import type { Command } from "commander"
import { words } from "../arguments.ts"
import { type Cli, type CommonOptions, type Task, taskOf, VERBOSE, withApp } from "../context.ts"
import { readEvent } from "../event-file.ts"
import { handleEvent } from "../handle-event.ts"

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
    .option(...VERBOSE)
    .option("--json", "print the results as JSON, as the functions return them")
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
  await withApp(task, (app) => handleEvent(task, app, event))
}
