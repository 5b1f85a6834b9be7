import { Command, CommanderError } from "commander"
import { defineCommands, type Needed, neededBy } from "./command-table.ts"
import type { Cli } from "./context.ts"
import { type ErrorJson, errorJson, linesOf, stackOf } from "./errors.ts"
import { EXIT, type ExitCode, worstExitCode } from "./exit-code.ts"
import { type CliIo, screenOf } from "./io.ts"
import { version } from "./version.ts"
import { words } from "./words.ts"

const EXAMPLES = `
Examples:
  supernode-autoscaler init                            a first policy.yaml, and a scenario that tests it
  supernode-autoscaler validate policy.yaml
  supernode-autoscaler ledger init --by me --why "first ledger"   once, before the first run
  supernode-autoscaler doctor                          checks everything that a run needs
  supernode-autoscaler dry-run train-a                 what would happen now, and why
  supernode-autoscaler run --event alarm.json          handles an event as the functions do
  supernode-autoscaler pause --why "maintenance" --by ann   the kill switch
  supernode-autoscaler status
  supernode-autoscaler serve                           webhooks and ticks on this one host

Without --policy and --ledger: SUPERNODE_POLICY (./policy.yaml) and SUPERNODE_LEDGER (sqlite:./ledger.db).
Nothing is bought unless SUPERNODE_MODE is live.
Exit: 0 done (a hold too), 1 failed, 2 wrong usage, 3 held although a request asked to buy, 4 rejected or not sent,
5 outcome unknown. With --json, errors are JSON on stdout too.`

/** Hooks for a command line that is not typed at a terminal. */
export interface Surroundings {
  /** Receives an error as JSON. Defaults to printing it on stdout if `--json` is given. */
  failed?(error: ErrorJson): void
  /** Called with the command before it does anything; it may set options, or throw CommandError. */
  before?(action: Command): void
}

/** Runs one command line. Resolves to its exit code. Never throws, never exits. */
export async function runCli(
  argv: readonly string[],
  io: CliIo,
  { failed, before }: Surroundings = {},
): Promise<number> {
  const codes: ExitCode[] = []
  const fail = (code: ExitCode = EXIT.failed): void => {
    codes.push(code)
  }
  const sayError =
    failed ??
    ((error: ErrorJson): void => {
      if (argv.includes("--json")) screenOf(io, false).json(error)
    })
  const program = await programOf({ io, fail }, neededBy(argv))
  if (before) program.hook("preAction", (_program, action) => before(action))
  try {
    await program.parseAsync([...argv], { from: "user" })
    return worstExitCode(codes)
  } catch (error) {
    const screen = screenOf(io, false)
    if (error instanceof CommanderError) {
      if (error.code === "commander.unknownCommand")
        screen.note(`known commands: ${knownCommands(program, argv)}`)
      if (error.exitCode === 0) return EXIT.done
      sayError(errorJson(error, "usage"))
      return EXIT.usage
    }
    screen.note(...linesOf(error))
    sayError(errorJson(error))
    const stack = stackOf(error)
    if (stack !== null && io.env["SUPERNODE_LOG_LEVEL"]?.trim().toUpperCase() === "DEBUG")
      screen.note(...stack.split("\n"))
    return worstExitCode([...codes, EXIT.failed])
  }
}

/**
 * The command line as a program of commander; parsing it runs the command. Only needed commands have their
 * code.
 */
export async function programOf(cli: Cli, needed: Needed = { kind: "all" }): Promise<Command> {
  const screen = screenOf(cli.io, false)
  const program = new Command("supernode-autoscaler")
    .description(
      "Buys servers for Huawei Cloud supernodes when their load is high: never twice, never without evidence, always with reasons.",
    )
    .version(version())
    .option("--policy <FILE>", "policy file, instead of SUPERNODE_POLICY", words)
    .option(
      "--ledger <URL>",
      "ledger, instead of SUPERNODE_LEDGER: sqlite:PATH, dynamodb://TABLE?region=R, postgres://USER@HOST/DB, memory:",
      words,
    )
    .addHelpText("after", EXAMPLES)
    .exitOverride()
    .showHelpAfterError("(--help shows the usage)")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => screen.say(...text.trimEnd().split("\n")),
      writeErr: (text) => screen.note(...text.trimEnd().split("\n")),
      getOutHelpWidth: () => cli.io.columns,
      getErrHelpWidth: () => cli.io.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
  await defineCommands(program, cli, needed)
  return program
}

/** Names of the program's commands, or of those in the group that the command line names. */
function knownCommands(program: Command, argv: readonly string[]): string {
  const group = program.commands.find(
    (command) => command.commands.length > 0 && argv.includes(command.name()),
  )
  return (group ?? program).commands.map((command) => command.name()).join(", ")
}
