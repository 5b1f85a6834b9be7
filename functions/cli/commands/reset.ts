import type { Command } from "commander"
import type { Standing } from "../../../lib/decision/state/state.ts"
import { sayTo } from "../../../lib/ledger/commands.ts"
import { standingOf, supernodeStream } from "../../../lib/ledger/next-entry.ts"
import { actor, reason, words } from "../arguments.ts"
import { type Cli, type CommonOptions, deskOf, type Task, taskOf, withLedger } from "../context.ts"
import { CommandError } from "../errors.ts"
import { requireLedger } from "../known-ledger.ts"
import { when } from "../print/table.ts"
import { supernodeIdOf } from "../state/in-flight.ts"
import { showWord, WHO } from "./actor.ts"

interface ResetOptions extends CommonOptions {
  why: string
  by: string
}

export function registerReset(program: Command, cli: Cli): void {
  program
    .command("reset")
    .summary("close a breaker or an efficacy stop, and forget refusals")
    .description(
      "Closes a breaker, forgets what past purchases gained (an efficacy stop), ends the waits after refusals, switches rules on again that an invalid order switched off, and takes the servers that are there now for the known ones. Settles no attempt and shortens no cooldown.",
    )
    .argument("<NAME>", "the supernode's name or id", words)
    .requiredOption("--why <TEXT>", "what was mended", reason)
    .requiredOption("--by <WHO>", WHO, actor)
    .option("--json", "print the entry as JSON")
    .action(async (name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ResetOptions>()
      await reset(taskOf(cli, options), name, options)
    })
}

async function reset(task: Task, name: string, { why, by }: ResetOptions): Promise<void> {
  const { screen, now } = task
  await withLedger(task, async (ledger, settings) => {
    const { policyPath } = settings
    const known = await requireLedger(ledger, settings)
    const stream = supernodeStream(await supernodeIdOf(policyPath, name))
    const head = await ledger.head(stream)
    if (!head) throw new CommandError(`nothing is on record for ${name}: there is nothing to reset`)
    const standing = standingOf(head)
    const entry = await sayTo(deskOf(task, ledger), stream, {
      said: { verb: "reset", why, by },
      check: () => undefined,
    })
    screen.say(...clearedLines(standing, now))
    if (standing.attempt)
      screen.say(`an attempt is still in flight (${standing.attempt.state}); \`settle\` ends it, not this`)
    showWord(task, entry, known)
  })
}

function clearedLines(
  { breaker, throttle, blocked, rulesOff, effects = [] }: Standing,
  now: number,
): string[] {
  const lines = [
    ...(breaker
      ? [`the breaker is closed: ${breaker.class} since ${when(breaker.since, now)}, ${breaker.says}`]
      : []),
    ...(throttle && throttle.until > now ? [`the wait until ${when(throttle.until, now)} is over`] : []),
    ...Object.keys(blocked).map((flavor) => `${flavor} is no longer blocked`),
    ...Object.keys(rulesOff).map((rule) => `rule ${rule} is on again`),
    ...(effects.length > 0
      ? ["what was bought by rules and gained until now is forgotten: efficacy counts anew"]
      : []),
  ]
  return lines.length > 0
    ? lines
    : [
        "no breaker was open and nothing was waiting; the servers that are there now will be taken for the known ones",
      ]
}
