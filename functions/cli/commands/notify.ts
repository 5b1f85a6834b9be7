import type { Command } from "commander"
import { counted } from "../../../lib/decision/policy/amounts.ts"
import { type Cli, type CommonOptions, type Task, taskOf, withApp } from "../context.ts"
import { CommandError } from "../errors.ts"

/** Time limit of each delivery. It is longer than that of a run, since a person waits for the result. */
const TIMEOUT_MS = 10_000

export function registerNotify(program: Command, cli: Cli): void {
  const notify = program.command("notify").summary("check the recipients of notifications")
  notify
    .command("test")
    .summary("send one test message to each recipient")
    .description(
      "Sends one test message to each recipient under `notify` in the policy, whatever its `on` lists. Shows how each delivery ended. Writes nothing to the ledger and never shows an address.",
    )
    .option("--json", "print the results as JSON")
    .action(async (_options: unknown, command: Command) => {
      await test(taskOf(cli, command.optsWithGlobals<CommonOptions>()))
    })
}

async function test(task: Task): Promise<void> {
  const { screen, options } = task
  await withApp(task, async (app) => {
    const { path, notify } = app.policies
    if (notify.length === 0)
      throw new CommandError(
        `${path} names no recipient: add a list under \`notify\`, see docs/notifications.md`,
      )
    const results = await app.notifyTest(TIMEOUT_MS)
    const failed = results.filter(({ ok }) => !ok)
    if (options.json) screen.json({ results })
    else {
      for (const { to, on, ok, why } of results)
        screen.say(`${to}: ${ok ? "accepted" : `FAILED: ${why ?? ""}`} (on: ${on.join(", ")})`)
      screen.note(`${counted(results.length, "recipient")}, ${failed.length} failed`)
    }
    if (failed.length > 0) task.fail()
  })
}
