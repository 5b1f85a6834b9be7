import { type Command, InvalidArgumentError } from "commander"
import { activeStop } from "../../../lib/decision/state/control.ts"
import { getOwn } from "../../../lib/decision/state/get-own.ts"
import { commandAll } from "../../../lib/ledger/commands.ts"
import { CONTROL_STREAM, controlOf } from "../../../lib/ledger/next-entry.ts"
import { actor, reason, timeAfter, words } from "../arguments.ts"
import { type Cli, type CommonOptions, commandPorts, type Task, taskOf, withLedger } from "../context.ts"
import { requireLedger } from "../known-ledger.ts"
import { when } from "../print/time.ts"
import { attemptsInFlight, inFlightLines, policyAtHand, supernodeIdOf } from "../state/in-flight.ts"
import { showCommand, showNothingSaid, WHO } from "./actor.ts"
import { refuseWhatIsOver } from "./expiry.ts"

interface HoldOptions extends CommonOptions {
  until: number
  why: string
  by: string
}

const LONGEST_MS = 7 * 86_400_000

export function registerHold(program: Command, cli: Cli): void {
  program
    .command("hold")
    .summary("no automatic purchases for a while")
    .description(
      "Holds automatic purchases for one supernode until a time; people may still buy. A hold lasts at most 7 days. A new hold replaces the previous one.",
    )
    .argument("<NAME>", "the supernode's name or id", words)
    .requiredOption(
      "--until <TIME>",
      "ISO 8601, or a duration from now such as 8h, at most 7d; the value now ends a hold",
      heldUntil(cli.io.clock.now()),
    )
    .requiredOption("--why <TEXT>", "the reason", reason)
    .requiredOption("--by <WHO>", WHO, actor)
    .option("--json", "print the entry as JSON")
    .action(async (name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<HoldOptions>()
      await hold(taskOf(cli, options), name, options)
    })
}

function heldUntil(now: number): (text: string) => number {
  const time = timeAfter(now)
  return (text) => {
    if (text.trim() === "now") return now
    const at = time(text)
    if (at - now > LONGEST_MS)
      throw new InvalidArgumentError("A hold lasts at most 7 days; `pause` has no end.")
    return at
  }
}

async function hold(task: Task, name: string, { until, why, by }: HoldOptions): Promise<void> {
  const { screen, now } = task
  await withLedger(task, async (ledger, settings) => {
    const known = await requireLedger(ledger, settings)
    const { policyPath } = settings
    const supernode = await supernodeIdOf(policyPath, name)
    const said = { verb: "hold" as const, supernode, why, by, until }
    if (until <= now) {
      const before = getOwn(controlOf(await ledger.head(CONTROL_STREAM)).held, supernode)
      if (!before) {
        screen.say(`${name} is not held; nothing to end`)
        showNothingSaid(task, known)
        return
      }
      const entry = await commandAll(commandPorts(task, ledger), said)
      // The hold may still be active by another machine's clock, so its end is recorded in any case.
      const was = activeStop(before, now) ? "is over" : "had already ended"
      screen.say(`the hold of ${name} ${was}; the next signal decides on the present state`)
      showCommand(task, entry, known)
      return
    }
    const { names, zone } = await policyAtHand(task, settings)
    const frame = { now, zone }
    await refuseWhatIsOver(task, { ledger, supernode, until, what: "--until", zone })
    const entry = await commandAll(commandPorts(task, ledger), said)
    screen.say(`${name} is held until ${when(until, frame)}: no automatic purchases; people may still buy`)
    showCommand(task, entry, known)
    screen.say(...inFlightLines(await attemptsInFlight(ledger, supernode), names, frame))
  })
}
