import type { Command } from "commander"
import { policyPath } from "../../../lib/app/settings.ts"
import { filePolicy } from "../../../lib/simulate/scenario/file-policy.ts"
import { playAll } from "../../../lib/simulate/scenario/suite.ts"
import { words } from "../arguments.ts"
import { type Cli, type CommonOptions, type Task, taskOf } from "../context.ts"
import { playedJson, playedLines, summaryLine } from "../print/scenarios.ts"
import { whyNotSettled } from "./settling.ts"

export function registerTest(program: Command, cli: Cli): void {
  program
    .command("test")
    .summary("play scenario files against a policy")
    .description(
      "Plays scenario files in virtual time through the same run that buys, against your own policy. A scenario lists what happens when, and the expected result. Exits 1 if an expectation fails. Needs no keys, no ledger and no cloud; buys nothing. The format: docs/scenarios.md.",
    )
    .argument("<FILE...>", "scenario files", (file: string, before: string[] | undefined) => [
      ...(before ?? []),
      words(file),
    ])
    .option("--json", "print the results as JSON")
    .action(async (files: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>()
      await testAll(taskOf(cli, options), files)
    })
}

async function testAll(task: Task, files: readonly string[]): Promise<void> {
  const { io, screen, options } = task
  const path = options.policy ?? (io.env["SUPERNODE_POLICY"]?.trim() || null)
  const policy = await filePolicy(policyPath(path, (name) => io.env[name]))
  const played = await playAll(files, { policy, whyNotSettled }, (one) => {
    if (!options.json) screen.say(...playedLines(one, { paint: screen.paint, zone: policy.timezone }))
  })
  if (options.json) screen.json(playedJson(played))
  else screen.say(summaryLine(played))
  if (played.some(({ ok }) => !ok)) task.fail()
}
