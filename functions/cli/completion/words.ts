import type { Command, Option } from "commander"

/** Words that may follow a command, taken from the command definitions. */
export interface CommandWords {
  /** Such as `ledger init`; empty for the program itself. */
  path: string
  description: string
  subcommands: readonly string[]
  options: readonly OptionWords[]
  takesFile: boolean
}

export interface OptionWords {
  /** Such as `--by` or `-v`. */
  flags: readonly string[]
  description: string
  value: { kind: "none" } | { kind: "text" } | { kind: "file" } | { kind: "choice"; of: readonly string[] }
}

const FILE_NAMES = /^(FILE|POLICY|OLD|NEW)\b/

/** The program and all its commands. Each also has the options of the program. */
export function commandWords(program: Command): CommandWords[] {
  const global = program.options.filter(isShown).map(optionWords)
  const below = (command: Command, path: string): CommandWords[] => [
    {
      path,
      description: command.summary() || command.description(),
      subcommands: command.commands.map((child) => child.name()),
      options: [
        ...(command === program ? [] : command.options.filter(isShown).map(optionWords)),
        ...global,
        HELP,
      ],
      takesFile: command.registeredArguments.some((argument) => FILE_NAMES.test(argument.name())),
    },
    ...command.commands.flatMap((child) => below(child, `${path} ${child.name()}`.trim())),
  ]
  return below(program, "")
}

const HELP: OptionWords = { flags: ["-h", "--help"], description: "show the usage", value: { kind: "none" } }

function isShown({ hidden }: Option): boolean {
  return !hidden
}

function optionWords({
  short,
  long,
  description,
  argChoices,
  flags,
  required,
  optional,
}: Option): OptionWords {
  const [, name = ""] = /<([^<>]+)>/.exec(flags) ?? []
  const value: OptionWords["value"] = argChoices
    ? { kind: "choice", of: argChoices }
    : FILE_NAMES.test(name)
      ? { kind: "file" }
      : required || optional
        ? { kind: "text" }
        : { kind: "none" }
  return { flags: [short, long].flatMap((flag) => flag ?? []), description, value }
}
