import type { Argument, Command, Option } from "commander"

/** `docs/cli.md`: every command with its arguments and options, as `--help` prints them. */
export function cliPage(program: Command): string {
  const parts = [
    `# Command line\n\n${program.description()} This page is made by \`npm run schema\` from the commands. [Operate](operate.md) is a shorter\nlist, with procedures.`,
    table("option of every command", program.options.filter(isShown).map(optionRow)),
    EXIT_CODES,
    ...program.commands.flatMap((command) => commandParts(command, "")),
  ]
  return `${parts.join("\n\n")}\n`
}

const EXIT_CODES = `| exit code | meaning |
|---|---|
| 0 | done; this includes a hold on an alarm, a tick or a dry run |
| 1 | failed |
| 2 | wrong usage |
| 3 | held, although a live request asked to buy |
| 4 | the order was rejected or not sent |
| 5 | the outcome is unknown |

With \`--json\`, standard output holds JSON and nothing else, errors included. TIME is ISO 8601 with a zone, or a duration such as \`2h\`.`

function commandParts(command: Command, parent: string): string[] {
  const name = `${parent} ${command.name()}`.trim()
  if (command.commands.length > 0)
    return [
      `## ${name}\n\n${command.description()}`,
      ...command.commands.flatMap((child) => commandParts(child, name)),
    ]
  return [
    `## ${name}\n\nUsage: \`${name} ${command.usage()}\`\n\n${command.description()}`,
    ...(command.registeredArguments.length === 0
      ? []
      : [table("argument", command.registeredArguments.map(argumentRow))]),
    ...(command.options.length === 0
      ? []
      : [table("option", command.options.filter(isShown).map(optionRow))]),
  ]
}

function isShown({ hidden }: Option): boolean {
  return !hidden
}

function argumentRow(argument: Argument): string[] {
  const name = argument.required ? `<${argument.name()}>` : `[${argument.name()}]`
  return [`\`${name}\``, argument.description]
}

function optionRow({
  flags,
  description,
  mandatory,
  defaultValue,
  defaultValueDescription,
}: Option): string[] {
  const shownDefault = defaultValueDescription ?? String(defaultValue)
  const notes = [
    mandatory ? "required" : "",
    defaultValue === undefined ? "" : `default: ${shownDefault}`,
  ].filter((note) => note !== "")
  return [`\`${flags}\``, notes.length > 0 ? `${description} (${notes.join(", ")})` : description]
}

function table(first: string, rows: string[][]): string {
  const lines = rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
  return [`| ${first} | meaning |`, "|---|---|", ...lines].join("\n")
}
