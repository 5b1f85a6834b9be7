import type { Command } from "commander"
import { operatorCommand } from "../../../lib/decision/explain/operator-command.ts"
import { activeStop, type Control, type Stop } from "../../../lib/decision/state/control.ts"
import { getOwn } from "../../../lib/decision/state/get-own.ts"
import { commandAllIf } from "../../../lib/ledger/commands.ts"
import { CONTROL_STREAM, controlOf } from "../../../lib/ledger/next-entry.ts"
import { actor, reason, timeAfter, words } from "../arguments.ts"
import { type Cli, type CommonOptions, commandPorts, type Task, taskOf, withLedger } from "../context.ts"
import { CommandError } from "../errors.ts"
import { requireLedger } from "../known-ledger.ts"
import { type Timeframe, when } from "../print/time.ts"
import { attemptsInFlight, inFlightLines, policyAtHand, supernodeIdOf } from "../state/in-flight.ts"
import { showCommand, showNothingSaid, WHO } from "./actor.ts"
import { refuseWhatIsOver } from "./expiry.ts"

interface StopOptions extends CommonOptions {
  why: string
  by: string
  until?: number
}

/**
 * `pause` and `resume`: the kill switch. Both work with a broken policy unless they must look up a name in
 * it.
 */
export function registerPause(program: Command, cli: Cli): void {
  program
    .command("pause")
    .summary("stop buying, everywhere or for one supernode")
    .description(
      "Stops all purchases from now on, including people's own requests. Orders already sent are not cancelled; they are listed.",
    )
    .argument("[NAME]", "the supernode's name or id; default: everything", words)
    .requiredOption("--why <TEXT>", "the reason; `status` shows it", reason)
    .requiredOption("--by <WHO>", WHO, actor)
    .option(
      "--until <TIME>",
      "ends then (ISO 8601, or a duration from now such as 2h), not earlier than an active pause; default: only `resume` ends it",
      timeAfter(cli.io.clock.now()),
    )
    .option("--json", "print the entry as JSON")
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<StopOptions>()
      await pause(taskOf(cli, options), name, options)
    })
  program
    .command("resume")
    .summary("lift a pause")
    .description(
      "Lifts a pause and nothing else. Nothing is replayed: the next signal decides on the present state.",
    )
    .argument("[NAME]", "the supernode's name or id; default: the pause of everything", words)
    .option("--why <TEXT>", "the reason", reason, "resumed")
    .requiredOption("--by <WHO>", WHO, actor)
    .option("--json", "print the entry as JSON")
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<StopOptions>()
      await resume(taskOf(cli, options), name, options)
    })
}

async function pause(
  task: Task,
  name: string | undefined,
  { why, by, ...options }: StopOptions,
): Promise<void> {
  const { screen, now } = task
  const until = options.until ?? null
  await withLedger(task, async (ledger, settings) => {
    const known = await requireLedger(ledger, settings)
    const { policyPath } = settings
    const otherwise = ", or run `pause` without a name to stop everything"
    const supernode = name === undefined ? null : await supernodeIdOf(policyPath, name, otherwise)
    const { names, zone } = await policyAtHand(task, settings)
    const frame = { now, zone }
    if (until !== null) await refuseWhatIsOver(task, { ledger, supernode, until, what: "--until", zone })
    const entry = await commandAllIf(commandPorts(task, ledger), {
      said: { verb: "pause", supernode, why, by, until },
      check: ({ pausedAll, paused }) =>
        refuseAnEarlierEnd({
          name,
          until,
          current: activeStop(supernode === null ? pausedAll : getOwn(paused, supernode), now),
          frame,
        }),
    })
    screen.say(
      `${name ?? "everything"} is paused${until === null ? `. To buy again, run: ${operatorCommand.resume(name ?? null)}` : `, until ${when(until, frame)}`}`,
    )
    showCommand(task, entry, known)
    // The attempts are read after the pause is recorded. One opened before the pause may have been sent; a later one
    // is not sent.
    screen.say(...inFlightLines(await attemptsInFlight(ledger, supernode), names, frame))
  })
}

interface NewEnd {
  name: string | undefined
  until: number | null
  /** The active pause; `null` if there is none. */
  current: Stop | null
  frame: Timeframe
}

/** Refuses a pause that would end an active pause earlier, since only `resume` may do that. */
function refuseAnEarlierEnd({ name, until, current, frame }: NewEnd): void {
  if (!current || until === null || (current.until !== null && current.until <= until)) return
  const end = current.until === null ? "without an end" : `until ${when(current.until, frame)}`
  throw new CommandError(
    `${name ?? "everything"} is paused already, by ${current.by}, ${end}: ${current.why}. A pause until ${when(until, frame)} would end that one earlier, so nothing was written. To end it now, run: ${operatorCommand.resume(name ?? null)}`,
  )
}

async function resume(task: Task, name: string | undefined, { why, by }: StopOptions): Promise<void> {
  const { screen, now } = task
  await withLedger(task, async (ledger, settings) => {
    const known = await requireLedger(ledger, settings)
    const { policyPath } = settings
    const supernode = name === undefined ? null : await supernodeIdOf(policyPath, name)
    let control = controlOf(await ledger.head(CONTROL_STREAM))
    const stop = supernode === null ? control.pausedAll : control.paused[supernode]
    if (!activeStop(stop, now)) {
      screen.say(
        `${name === undefined ? "there is no pause of everything" : `${name} is not paused`}; nothing to resume`,
      )
      showNothingSaid(task, known)
    } else {
      const entry = await commandAllIf(commandPorts(task, ledger), {
        said: { verb: "resume", supernode, why, by },
        check: ({ pausedAll, paused }) =>
          refuseAnotherPause({
            name,
            targetPause: stop,
            current: supernode === null ? pausedAll : paused[supernode],
          }),
      })
      control = controlOf(entry)
      screen.say(`the pause of ${name ?? "everything"} is lifted`)
      showCommand(task, entry, known)
    }
    screen.say(...stillPaused(control, { supernode, now, names: (await policyAtHand(task, settings)).names }))
  })
}

type AnyPause = Control["pausedAll"] | undefined

interface Pauses {
  name: string | undefined
  targetPause: AnyPause
  current: AnyPause
}

/** Throws CommandError unless the current pause is `targetPause`, which was active when the operator ran `resume`. */
function refuseAnotherPause({ name, targetPause, current }: Pauses): void {
  if (
    current &&
    current.at === targetPause?.at &&
    current.by === targetPause.by &&
    current.why === targetPause.why
  )
    return
  if (!current) throw new CommandError("another command lifted the pause meanwhile, so nothing was written")
  const again = operatorCommand.resume(name ?? null)
  throw new CommandError(
    `${current.by} paused it again meanwhile (${current.why}), so nothing was written. To lift that pause, run: ${again}`,
  )
}

interface Left {
  supernode: string | null
  now: number
  names: Map<string, string>
}

/** Lists the other active pauses; without this list it could seem that `resume` lifted them, too. */
function stillPaused({ pausedAll, paused }: Control, { supernode, now, names }: Left): string[] {
  const all =
    supernode !== null && activeStop(pausedAll, now)
      ? ["everything is still paused; `resume` without a name lifts that"]
      : []
  const others = Object.entries(paused).filter(([id, stop]) => id !== supernode && activeStop(stop, now))
  return [
    ...all,
    ...others.map(
      ([id]) => `${names.get(id) ?? id} is still paused; \`resume ${names.get(id) ?? id}\` lifts that`,
    ),
  ]
}
